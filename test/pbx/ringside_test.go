package pbx_test

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/test/pbx"
)

// called is the number that the stories' rules are for.
const called = "7001"

// mailbox is the one extension that has a voicemail.
const mailbox = "105"

// directory is a document with these extensions and, as YAML, whatever else the story needs.
func directory(extensions []string, rest string) string {
	var b strings.Builder
	b.WriteString("version: \"1\"\ntime_zone: UTC\ndefault_country: RU\nnumbers:\n")
	for i, n := range extensions {
		fmt.Fprintf(&b, "  - {id: %d, number: %q, account: {can_receive_external_calls: true, voicemail_enabled: %v}}\n", i+1, n, n == mailbox)
	}
	return b.String() + rest
}

// toGroup is a directory in which the called number is a group's. fields are the group's own:
// members, strategy and so on, in YAML's flow style.
func toGroup(extensions []string, fields string) string {
	return directory(extensions, `
groups: [{id: 3, name: Sales, `+fields+`}]
rules: [{id: 5, name: To sales, called_number_pattern: "7001", action: route_to_group, target_group: 3}]
`)
}

// toDestination is a directory in which the called number's rule has the given fields.
func toDestination(extensions []string, fields string) string {
	return directory(extensions, `
rules: [{id: 5, name: The rule, called_number_pattern: "7001", `+fields+`}]
`)
}

// ringside starts the daemon beside the story's Asterisk, whose dialplan becomes the one that
// ringside prints, with a fallback filled in.
func (s *stage) ringside(directory string) *pbx.Daemon {
	s.t.Helper()
	return s.ringsideWith(pbx.DaemonOptions{Directory: directory})
}

// ringsideWith starts a daemon with other options.
func (s *stage) ringsideWith(o pbx.DaemonOptions) *pbx.Daemon {
	s.t.Helper()
	bin, err := shared.binary()
	s.must(err)
	o.AGI = s.AGI
	var door []string
	if s.ari {
		o.Config += s.ariConfig()
		door = []string{"--ari"}
	}
	s.daemon, err = pbx.StartDaemon(bin, s.dir, o)
	s.must(err)
	if s.ari && !s.unconnected {
		s.must(s.daemon.ConnectedWithARI())
	}
	printed, err := s.daemon.Dialplan(door...)
	s.must(err)
	filled := fallbackLine.ReplaceAllString(printed, "RINGSIDE_FALLBACK = PJSIP/"+pbx.Fallback)
	if filled == printed {
		s.t.Fatalf("the printed dialplan has no RINGSIDE_FALLBACK:\n%s", printed)
	}
	now, err := s.Dialplan()
	s.must(err)
	if now != filled {
		if s.ari && s.before == "" {
			s.before = now
		}
		s.must(s.UseDialplan(filled))
	}
	return s.daemon
}

// ariConfig is the link with ARI in ringside's configuration.
func (s *stage) ariConfig() string {
	port, more := s.ARI, s.ariMore
	if s.link != nil {
		port = s.link.Port
	}
	if !strings.Contains(more, "grace:") {
		more += ", grace: 5s"
	}
	return fmt.Sprintf("ari: {url: 'http://127.0.0.1:%d/ari', password: secret, timeout: 2s, lease: %s%s}\n", port, cmp.Or(s.lease, "1m"), more)
}

// restart starts the daemon again, and waits until it can take calls.
func (s *stage) restart() {
	s.t.Helper()
	s.must(s.daemon.Start())
	if s.ari {
		s.must(s.daemon.ConnectedWithARI())
	}
}

var fallbackLine = regexp.MustCompile(`(?m)^RINGSIDE_FALLBACK = .*$`)

// record waits until ringside has recorded the end of a caller's call.
func (s *stage) record(c *pbx.Caller) ringside.Call {
	s.t.Helper()
	r, ok := s.recordIf(c, func(r ringside.Call) bool { return !r.Live() })
	if !ok {
		s.t.Fatalf("ringside has no record of the end of %s's call: %+v", c.Spec.Number, r)
	}
	return r
}

// recordIf waits until a caller's record is as it should be, and gives the last one seen.
func (s *stage) recordIf(c *pbx.Caller, ok func(ringside.Call) bool) (ringside.Call, bool) {
	s.t.Helper()
	var last ringside.Call
	err := pbx.Until(patience, "", func() (bool, error) {
		calls, err := s.daemon.Calls()
		for _, r := range calls {
			if r.Caller == c.Spec.Number {
				if last = r; ok(r) {
					return true, nil
				}
			}
		}
		return false, err
	})
	if err != nil && last.ID == "" {
		s.t.Errorf("no record of %s: %v", c.Spec.Number, err)
	}
	return last, err == nil
}

// onlyRecord waits until the story's one call has ended, whatever its caller's number was taken for.
func (s *stage) onlyRecord() ringside.Call {
	s.t.Helper()
	var calls []ringside.Call
	s.eventually("ringside has recorded the call", func() (bool, error) {
		var err error
		calls, err = s.daemon.Calls()
		return len(calls) == 1 && !calls[0].Live(), err
	})
	return calls[0]
}

// told is what ringside's record must say.
type told struct {
	status ringside.Status
	// as is the disposition, or several with blanks between them where Asterisk decides which.
	as string
	to string // the extension or number
	// legs are the attempts, such as "dial 101 no_answer; dial 102 answered".
	legs string
	rule int64
}

// tells requires what ringside has recorded of a call.
func (s *stage) tells(c *pbx.Caller, want told) ringside.Call {
	s.t.Helper()
	r := s.record(c)
	if r.Status != want.status {
		s.t.Errorf("ringside's record: status %q, want %q", r.Status, want.status)
	}
	if want.as != "" && !strings.Contains(" "+want.as+" ", " "+string(r.Disposition)+" ") {
		s.t.Errorf("ringside's record: disposition %q, want %q", r.Disposition, want.as)
	}
	if want.to != "" && r.RoutedTo != want.to {
		s.t.Errorf("ringside's record: routed to %q, want %q", r.RoutedTo, want.to)
	}
	if got := legs(r); want.legs != "" && got != want.legs {
		s.t.Errorf("ringside's record: legs %q, want %q", got, want.legs)
	}
	if want.rule != 0 && (r.Rule == nil || r.Rule.ID != want.rule) {
		s.t.Errorf("ringside's record: rule %v, want %d", r.Rule, want.rule)
	}
	if r.Called != called && c.Spec.To == called {
		s.t.Errorf("ringside's record: called %q, want %q", r.Called, called)
	}
	return r
}

func legs(r ringside.Call) string {
	var all []string
	for _, l := range r.Legs {
		words := []string{l.Kind}
		if len(l.Targets) > 0 {
			words = append(words, strings.Join(l.Targets, "+"))
		}
		words = append(words, l.Result)
		if l.Answered != "" && len(l.Targets) > 1 {
			words = append(words, "by", l.Answered)
		}
		all = append(all, strings.Join(words, " "))
	}
	return strings.Join(all, "; ")
}
