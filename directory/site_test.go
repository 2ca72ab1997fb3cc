package directory

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/routing"
)

// canary is a password that must not be seen anywhere.
const canary = "canary-s3cret"

// site is a keeper with its disk, its log and what it has put in effect.
type site struct {
	*testing.T
	*Keeper
	opt  Options
	disk *disk
	log  *syncBuffer
	now  time.Time
	last *routing.Compiled
}

type syncBuffer struct {
	mu sync.Mutex
	strings.Builder
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Builder.Write(p)
}

func newSite(t *testing.T, opt Options) *site {
	s := &site{T: t, disk: newDisk(), log: &syncBuffer{}, now: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)}
	opt.Store, opt.Log = s.disk, slog.New(slog.NewTextHandler(s.log, nil))
	opt.Now = func() time.Time { s.now = s.now.Add(time.Second); return s.now }
	opt.Effect = func(c *routing.Compiled) { s.last = c }
	s.opt = opt
	s.Keeper = New(opt)
	t.Cleanup(func() {
		if strings.Contains(s.log.String(), canary) {
			t.Errorf("a password is logged:\n%s", s.log.String())
		}
	})
	return s
}

func withCRM(t *testing.T) *site { return newSite(t, Options{WithCRM: true}) }

// restart makes a new keeper on the same disk.
func (s *site) restart() {
	s.Helper()
	s.last = nil
	s.Keeper = New(s.opt)
	if ok, err := s.Restore(s.Context()); err != nil || !ok {
		s.Fatalf("restore: %v, %v", ok, err)
	}
}

// document has extensions, one group of the first two, and a rule to it, under a version.
func document(version string, numbers ...string) string {
	var list []string
	for i, n := range numbers {
		list = append(list, fmt.Sprintf(`{"id":%d,"number":%q,"display_name":"N%s","password":%q,"pin":7}`, i+11, n, n, canary))
	}
	return fmt.Sprintf(`{"version":%q,"time_zone":"UTC","numbers":[%s],"groups":[{"id":3,"name":"Sales","members":["101"]}],
		"rules":[{"id":5,"name":"All","action":"route_to_group","target_group":3}]}`, version, strings.Join(list, ","))
}

func (s *site) offer(source, doc string) Outcome {
	s.Helper()
	o, err := s.Offer(s.Context(), Document{Data: []byte(doc), Source: source, Author: "test", ETag: `"e"`})
	if err != nil {
		s.Fatalf("%s offers: %v", source, err)
	}
	return o
}

func (s *site) crm(doc string, want Result) Outcome {
	s.Helper()
	o := s.offer(SourceCRM, doc)
	if o.Result != want {
		s.Fatalf("the CRM's document is %s, want %s: %+v", o.Result, want, o.Edition)
	}
	return o
}

func update(kind string, id int64, fields string) ringside.Edit {
	return ringside.Edit{Kind: kind, Entity: id, Op: ringside.EditUpdate, Fields: json.RawMessage(fields), Author: "anna"}
}

func (s *site) edit(e ringside.Edit) Outcome {
	s.Helper()
	o, err := s.Edit(s.Context(), e, false)
	if err != nil || o.Result != Applied {
		s.Fatalf("edit of %s %d: %s, %v", e.Kind, e.Entity, o.Result, err)
	}
	return o
}

func (s *site) settle(v ringside.EditVerdict) {
	s.Helper()
	if err := s.Settle(s.Context(), []ringside.EditVerdict{v}); err != nil {
		s.Fatal(err)
	}
}

// in says what is in effect: the version, and the names that numbers have, in a few words.
func (s *site) in(want string) {
	s.Helper()
	d := s.last.Document()
	var names []string
	for _, n := range d.Numbers {
		names = append(names, n.DisplayName)
		if n.Password.Reveal() != canary && n.ID < localIDs {
			s.Errorf("number %s has lost its password", n.Number)
		}
	}
	got := d.Version + ": " + strings.Join(names, " ")
	if got != want {
		s.Errorf("in effect is %q, want %q", got, want)
	}
	if st := s.State(); st.Version != d.Version {
		s.Errorf("the state says version %q", st.Version)
	}
}

// listed gives the edits in words.
func (s *site) listed(want ...string) {
	s.Helper()
	all, err := s.Edits(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	var got []string
	for _, e := range all {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s %d %s %s", e.Kind, e.Entity, e.State, e.Reason)))
	}
	if !slices.Equal(got, want) {
		s.Errorf("edits are %q, want %q", got, want)
	}
	text, err := json.Marshal(all)
	if err != nil || strings.Contains(string(text), canary) {
		s.Errorf("a password is listed: %s, %v", text, err)
	}
}

// history gives the editions in words, the newest first.
func (s *site) history(want ...string) {
	s.Helper()
	all, err := s.History(s.Context(), 50)
	if err != nil {
		s.Fatal(err)
	}
	var got []string
	for _, e := range all {
		got = append(got, fmt.Sprintf("%d %s %s %s", e.Number, e.Version, e.Source, e.State))
	}
	if !slices.Equal(got, want) {
		s.Errorf("history is\n%q, want\n%q", got, want)
	}
	if text, err := json.Marshal(all); err != nil || strings.Contains(string(text), canary) {
		s.Errorf("a password is in the history: %s, %v", text, err)
	}
}
