package pbx_test

import (
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside/test/pbx"
)

// patience is how long a story waits for what must come.
const patience = 15 * time.Second

// callers makes every story's callers different, so that their CDRs can be told apart.
var callers atomic.Int64

// stage is where one story is played: the version's Asterisk and what the story adds to it. All
// that it adds ends with the story, and is told in full if the story fails.
type stage struct {
	*pbx.Asterisk
	t      *testing.T
	dir    string
	log    int64
	phones map[string]*pbx.Phone
	calls  []*pbx.Caller
	daemon *pbx.Daemon
	// ari: ringside drives calls through ARI, not FastAGI; lease is ari.lease, if it is not the default.
	ari   bool
	lease string
	// before is the dialplan that the next story finds again, which may have no ringside; empty is the present one.
	before string
	// link is what stands between ringside and ARI; nil for nothing.
	link *pbx.Proxy
	// ariMore are further fields of the configuration's ari, in YAML's flow style.
	ariMore string
	// unconnected: ringside is not expected to get through to ARI.
	unconnected bool
}

func newStage(t *testing.T, a *pbx.Asterisk) *stage {
	dir, err := os.MkdirTemp("", "pbx-story-")
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{Asterisk: a, t: t, dir: dir, log: a.LogSize(), phones: map[string]*pbx.Phone{}}
	t.Cleanup(s.end)
	return s
}

// end stops everything, and tells what happened if the story failed.
func (s *stage) end() {
	// First the calls, while everybody is there to hear of it: a BYE that is sent again and again
	// would reach the next story's phones.
	if s.Running() {
		_, _ = s.CLI("channel request hangup all")
		if err := pbx.Until(patience, "all channels are gone", func() (bool, error) {
			n, err := s.Channels()
			return n == 0, err
		}); err != nil {
			s.t.Error(err)
		}
	}
	for _, c := range s.calls {
		_ = c.Kill()
	}
	for _, p := range s.phones {
		_ = p.Kill()
	}
	if s.daemon != nil {
		_ = s.daemon.Kill()
	}
	if s.before != "" {
		if err := s.UseDialplan(s.before); err != nil {
			s.t.Error(err)
		}
	}
	if s.t.Failed() {
		s.tell()
	}
	_ = os.RemoveAll(s.dir)
}

// tell prints what everybody saw.
func (s *stage) tell() {
	for _, c := range s.calls {
		s.t.Log(c)
	}
	for _, p := range s.phones {
		s.t.Log(p)
	}
	if s.daemon != nil {
		s.t.Logf("ringside's log:\n%s", pbx.Tail(s.daemon.Log(), 0, 60))
	}
	s.t.Logf("Asterisk's log:\n%s", pbx.Tail(s.Log(), s.log, 80))
}

func (s *stage) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) eventually(what string, ok func() (bool, error)) {
	s.t.Helper()
	s.must(pbx.Until(patience, what, ok))
}

// phone starts an extension's phone.
func (s *stage) phone(number string, m pbx.Manner) *pbx.Phone {
	s.t.Helper()
	p, err := s.Phone(s.dir, number, m)
	s.must(err)
	s.phones[number] = p
	return p
}

// dials makes a call; a caller without a number gets one that nobody else has.
func (s *stage) dials(spec pbx.CallSpec) *pbx.Caller {
	s.t.Helper()
	if spec.Number == "" {
		spec.Number = fmt.Sprintf("+7900555%04d", callers.Add(1))
	}
	c, err := s.Call(s.dir, fmt.Sprint(len(s.calls)+1), spec)
	s.must(err)
	s.calls = append(s.calls, c)
	return c
}

// messages of a phone or a caller.
func (s *stage) messages(from interface {
	Messages() (pbx.Messages, error)
},
) pbx.Messages {
	s.t.Helper()
	m, err := from.Messages()
	s.must(err)
	return m
}

// over waits until the caller's call has ended, and gives its final response.
func (s *stage) over(c *pbx.Caller) int {
	s.t.Helper()
	if err := c.Wait(patience); c.Running() {
		s.t.Fatal(err)
	}
	return s.final(c)
}

func (s *stage) final(c *pbx.Caller) int {
	s.t.Helper()
	code, err := c.Final()
	s.must(err)
	return code
}

// ends requires that the call ends with a final response.
func (s *stage) ends(c *pbx.Caller, code int) {
	s.t.Helper()
	if got := s.over(c); got != code {
		s.t.Errorf("the caller saw %d, want %d", got, code)
	}
}

// answered waits until the caller has been answered.
func (s *stage) answered(c *pbx.Caller) {
	s.t.Helper()
	s.eventually("the call is answered", func() (bool, error) {
		_, yes, err := c.AnsweredAfter()
		return yes, err
	})
}

// received waits until a phone has received a message of a kind.
func (s *stage) received(p *pbx.Phone, what string) pbx.Message {
	s.t.Helper()
	var m pbx.Messages
	s.eventually("phone "+p.Number+" receives "+what, func() (bool, error) {
		all, err := p.Messages()
		m = all.Received(what)
		return len(m) > 0, err
	})
	return m[0]
}

// saw requires what a phone has received: so many INVITEs, CANCELs and BYEs. They may still be on
// their way.
func (s *stage) saw(p *pbx.Phone, invites, cancels, byes int) {
	s.t.Helper()
	want := []int{invites, cancels, byes}
	var got []int
	err := pbx.Until(2*time.Second, "", func() (bool, error) {
		m, err := p.Messages()
		m = m.OfCalls()
		got = []int{len(m.Received("INVITE")), len(m.Received("CANCEL")), len(m.Received("BYE"))}
		return slices.Equal(got, want), err
	})
	if err != nil {
		s.t.Errorf("phone %s saw %d INVITE, %d CANCEL, %d BYE, want %d, %d, %d", p.Number, got[0], got[1], got[2], invites, cancels, byes)
	}
}

// row finds the CDR row of one phone ("" is a call that reached none). Through ARI, Asterisk
// writes rows of calls that were answered alone, and 16 not of all of those.
func (s *stage) row(c *pbx.Caller, phone, disposition string) pbx.CDR {
	s.t.Helper()
	if s.ari && (disposition != "ANSWERED" || s.Version == "16") {
		return pbx.CDR{}
	}
	var rows []pbx.CDR
	var found pbx.CDR
	if err := pbx.Until(patience, "", func() (bool, error) {
		var err error
		rows, err = s.CDRs(c.Spec.Number)
		for _, r := range rows {
			if r.Phone() == phone && r.Disposition == disposition {
				found = r
				return true, err
			}
		}
		return false, err
	}); err != nil {
		s.t.Errorf("no CDR row of %s has phone %q %s:\n%v", c.Spec.Number, phone, disposition, rows)
	}
	return found
}

// recorded waits until a mailbox has a message with sound in it.
func (s *stage) recorded(mailbox string) {
	s.t.Helper()
	s.eventually("mailbox "+mailbox+" has a message", func() (bool, error) {
		files, err := s.Voicemails(mailbox)
		if err != nil || len(files) == 0 {
			return false, err
		}
		const header = 44 // of a wav file
		st, err := os.Stat(files[0])
		return err == nil && st.Size() > header, err
	})
}
