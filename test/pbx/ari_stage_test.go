package pbx_test

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/control"
	"github.com/ringside-pbx/ringside/test/pbx"
)

// proxied puts a proxy between the story's ringside and ARI.
func (s *stage) proxied() *pbx.Proxy {
	s.t.Helper()
	p, err := pbx.StartProxy(s.ARI)
	s.must(err)
	s.link = p
	s.t.Cleanup(func() { s.must(p.Close()) })
	return p
}

// cut takes the link away and waits until ringside has noticed.
func (s *stage) cut() {
	s.t.Helper()
	s.link.Cut()
	s.eventually("ringside sees that the link is lost", func() (bool, error) {
		l, err := s.ariLink()
		return !l.Up, err
	})
}

// mend gives the link back and waits until ringside has noticed.
func (s *stage) mend() {
	s.t.Helper()
	s.link.Mend()
	s.must(s.daemon.ConnectedWithARI())
}

// ariLink is what ringside's status says of ARI.
func (s *stage) ariLink() (control.PBXLink, error) {
	out, err := s.daemon.Run("status", "--json")
	if err != nil {
		return control.PBXLink{}, err
	}
	var st struct {
		ARI control.PBXLink `json:"ari"`
	}
	err = json.Unmarshal(out, &st)
	return st.ARI, err
}

// quiet requires that no channel and no bridge is left.
func (s *stage) quiet() {
	s.t.Helper()
	last := ""
	if err := pbx.Until(patience, "", func() (bool, error) {
		channels, err := s.Channels()
		if err != nil {
			return false, err
		}
		bridges, err := s.bridges()
		last = fmt.Sprintf("%d channels, bridges %q", channels, bridges)
		return channels == 0 && len(bridges) == 0, err
	}); err != nil {
		out, _ := s.CLI("core show channels verbose")
		s.t.Errorf("left in Asterisk: %s (%v)\n%s", last, err, out)
	}
}

// bridges are the ids of all bridges that Asterisk has.
func (s *stage) bridges() ([]string, error) {
	out, err := s.CLI("bridge show all")
	if err != nil {
		return nil, err
	}
	var ids []string
	for line := range strings.Lines(out) {
		if f := strings.Fields(line); len(f) > 1 && f[0] != "Bridge-ID" {
			ids = append(ids, f[0])
		}
	}
	return ids, nil
}

// hangsUp ends the call of a channel whose name begins like this, as its phone would: the oldest's, which has
// the lowest number.
func (s *stage) hangsUp(prefix string) {
	s.t.Helper()
	out, err := s.CLI("core show channels concise")
	s.must(err)
	oldest := ""
	for line := range strings.Lines(out) {
		if name, _, _ := strings.Cut(line, "!"); strings.HasPrefix(name, prefix) && (oldest == "" || name < oldest) {
			oldest = name
		}
	}
	if oldest == "" {
		s.t.Fatalf("there is no channel %s:\n%s", prefix, out)
	}
	_, err = s.CLI("channel request hangup " + oldest)
	s.must(err)
}

// logged waits until ringside's log has a text.
func (s *stage) logged(text string) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("ringside's log says %q", text), func() (bool, error) {
		return strings.Contains(pbx.Tail(s.daemon.Log(), 0, 100_000), text), nil
	})
}

// oneRecordEach requires that each of the callers has exactly one finished record.
func (s *stage) oneRecordEach(callers ...*pbx.Caller) {
	s.t.Helper()
	for _, c := range callers {
		if _, ok := s.recordIf(c, func(r ringside.Call) bool { return !r.Live() }); !ok {
			s.t.Errorf("%s has no finished record", c.Spec.Number)
		}
	}
	calls, err := s.daemon.Calls()
	s.must(err)
	defer func() {
		for _, r := range calls {
			if s.t.Failed() {
				s.t.Logf("record %s: %s -> %s, %s %s: %s", r.ID, r.Caller, r.Called, r.Status, r.Disposition, legs(r))
			}
		}
	}()
	n := map[string]int{}
	for _, r := range calls {
		n[r.Caller]++
		if r.Live() {
			s.t.Errorf("%s's call is still live", r.Caller)
		}
	}
	for _, c := range callers {
		if n[c.Spec.Number] != 1 {
			s.t.Errorf("%d records of %s, want 1", n[c.Spec.Number], c.Spec.Number)
		}
	}
}

// bridged waits until so many phones and callers are in bridges.
func (s *stage) bridged(n int) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("%d are connected", n), func() (bool, error) {
		out, err := s.CLI("core show channels concise")
		in := 0
		for line := range strings.Lines(out) {
			// name ... bridge id, unique id
			if f := strings.Split(strings.TrimSpace(line), "!"); len(f) > 13 && strings.HasPrefix(f[0], "PJSIP/") && f[12] != "" {
				in++
			}
		}
		return in >= n, err
	})
}
