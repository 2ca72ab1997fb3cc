package pbx_test

import (
	"bufio"
	"io"
	"net"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside/test/pbx"
)

// The stories of this file have no ringside: they show that phones, callers, CDRs and the dialplan
// are what the other stories take them for.

func TestRigAnsweredCall(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		p := s.phone("101", pbx.Answers(50*time.Millisecond))
		c := s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "10101", Name: "Anna", Talk: 300 * time.Millisecond})
		s.ends(c, 200)
		s.saw(p, 1, 0, 1)
		if after, ok, err := c.AnsweredAfter(); err != nil || !ok || after < 50*time.Millisecond || after > time.Second {
			t.Errorf("answered after %v (%v, %v)", after, ok, err)
		}
		if r := s.row(c, "101", "ANSWERED"); r.App != "Dial" || r.Context != "from-plain" {
			t.Errorf("CDR row: %v", r)
		}
	})
}

func TestRigPhoneHangsUp(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		s.phone("101", pbx.Manner{Ring: 50 * time.Millisecond, Talk: 200 * time.Millisecond})
		c := s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "10101"})
		s.ends(c, 200)
		if len(s.messages(c).Received("BYE")) != 1 {
			t.Error("the caller got no BYE")
		}
		s.row(c, "101", "ANSWERED")
	})
}

func TestRigRefusals(t *testing.T) {
	for _, x := range []struct {
		name        string
		phone       int
		caller      int
		disposition string
	}{
		{"busy", 486, 486, "BUSY"},
		// Asterisk makes "call rejected" (cause 21) of it, and 403 of that.
		{"declined", 603, 403, "NO ANSWER"},
		{"unavailable", 480, 480, "NO ANSWER"},
	} {
		t.Run(x.name, func(t *testing.T) {
			story(t, func(t *testing.T, s *stage) {
				p := s.phone("101", pbx.Refuses(x.phone))
				c := s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "10101"})
				s.ends(c, x.caller)
				s.saw(p, 1, 0, 0)
				s.row(c, "101", x.disposition)
			})
		})
	}
}

func TestRigUnregistered(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		c := s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "10" + pbx.Unregistered})
		if code := s.over(c); code < 400 {
			t.Errorf("the caller saw %d", code)
		}
	})
}

func TestRigNextPhoneAfterNoAnswer(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		first, second := s.phone("101", pbx.Rings()), s.phone("102", pbx.Answers(50*time.Millisecond))
		c := s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "11101102", Talk: 100 * time.Millisecond})
		s.ends(c, 200)
		s.saw(first, 1, 1, 0)
		s.saw(second, 1, 0, 1)
		s.row(c, "101", "NO ANSWER")
		s.row(c, "102", "ANSWERED")
	})
}

func TestRigAllAtOnce(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		one, two, three := s.phone("101", pbx.Rings()), s.phone("102", pbx.Answers(200*time.Millisecond)), s.phone("103", pbx.Rings())
		c := s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "12101102103", Talk: 100 * time.Millisecond})
		s.ends(c, 200)
		s.saw(one, 1, 1, 0)
		s.saw(two, 1, 0, 1)
		s.saw(three, 1, 1, 0)
	})
}

func TestRigCallerCancels(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		p := s.phone("101", pbx.Rings())
		c := s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "10101", CancelAfter: 300 * time.Millisecond})
		s.ends(c, 487)
		s.saw(p, 1, 1, 0)
		s.row(c, "101", "NO ANSWER")
	})
}

func TestRigCauseReachesCaller(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		s.ends(s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "1911"}), 486)
	})
}

func TestRigMusicPromptVoicemail(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		music := s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "1611", Talk: 300 * time.Millisecond})
		prompt := s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "1711", Talk: 300 * time.Millisecond})
		mail := s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "18101", Talk: 4 * time.Second, Echo: true})
		s.ends(music, 200)
		s.ends(prompt, 200)
		s.ends(mail, 200)
		s.recorded("101")
	})
}

func TestRigCarrier(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		p := s.phone("carrier", pbx.Answers(50*time.Millisecond))
		c := s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "2074951234567", Talk: 100 * time.Millisecond})
		s.ends(c, 200)
		s.saw(p, 1, 0, 1)
		s.row(c, "trunk", "ANSWERED")
	})
}

func TestRigFastAGI(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		for _, x := range []struct {
			name  string
			serve func(net.Conn, *bufio.Reader)
		}{
			{"decides", pbx.SetRoute},
			{"closes at once", func(net.Conn, *bufio.Reader) {}},
			{"talks rubbish", func(c net.Conn, _ *bufio.Reader) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") }},
			{"nobody is there", nil},
		} {
			stop := func() error { return nil }
			if x.serve != nil {
				r, err := pbx.StartResponder(s.Responder, x.serve)
				s.must(err)
				stop = r.Close
			}
			p := s.phone("101", pbx.Answers(0))
			c := s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "13101", Talk: 50 * time.Millisecond})
			s.ends(c, 200)
			s.saw(p, 1, 0, 1)
			s.must(p.Kill())
			s.must(stop())
		}
	})
}

func TestRigRestart(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		s.phone("101", pbx.Answers(0))
		c := s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "10101"})
		s.answered(c)
		s.must(s.Kill())
		s.must(s.Start())
		s.must(c.Kill())
		c = s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "10101", Talk: 50 * time.Millisecond})
		s.ends(c, 200)
		s.must(s.Stop())
		s.must(s.Start())
	})
}
