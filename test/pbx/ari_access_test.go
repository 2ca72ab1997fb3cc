package pbx_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/ringside-pbx/ringside/test/pbx"
)

// A user who may only read could take calls and then do nothing for them; one with a wrong password hears of
// none. In both cases the dialplan serves them, and the status says what to change.
func TestUserOfARIWhoCanNotServeCalls(t *testing.T) {
	for _, x := range []struct{ name, user, logged, status string }{
		{"may only read", "reader", "read_only", "read_only = no"},
		{"has a wrong password", "nobody", "password", "password"},
	} {
		t.Run(x.name, func(t *testing.T) {
			throughARI(t, func(t *testing.T, s *stage) {
				member, fallback := s.phone("101", pbx.Answers(soon)), s.phone(pbx.Fallback, pbx.Answers(soon))
				s.ariMore, s.unconnected = ", username: "+x.user, true
				s.ringside(toGroup([]string{"101"}, `members: ["101"]`))
				s.logged(x.logged)
				c := s.dials(pbx.CallSpec{To: called, Talk: short})
				s.ends(c, 200)
				s.fellBack(fallback, s.sentInvite(c), 500*time.Millisecond)
				s.saw(member, 0, 0, 0)
				l, err := s.ariLink()
				s.must(err)
				if l.Up || !strings.Contains(l.Error, x.status) {
					t.Errorf("the status says %+v", l)
				}
			})
		})
	}
}

// Two that took the application's name from one another would serve nobody.
func TestTwoRingsidesWithOneName(t *testing.T) {
	throughARI(t, func(t *testing.T, s *stage) {
		p := s.phone("101", pbx.Answers(soon))
		doc := toGroup([]string{"101"}, `members: ["101"]`)
		first := s.ringside(doc)
		bin, err := shared.binary()
		s.must(err)
		dir := filepath.Join(s.dir, "second")
		s.must(os.Mkdir(dir, 0o700))
		second, err := pbx.StartDaemon(bin, dir, pbx.DaemonOptions{AGI: s.Responder, Directory: doc, Config: s.ariConfig()})
		s.must(err)
		defer func() { _ = second.Kill() }()
		s.must(second.ConnectedWithARI())
		s.logged("another program has connected with the application's name")
		l, err := s.ariLink()
		s.must(err)
		if l.Up {
			t.Error("the first says that it is connected still")
		}
		s.ends(s.dials(pbx.CallSpec{To: called, Talk: short}), 200)
		s.saw(p, 1, 0, 1)
		calls, err := second.Calls()
		s.must(err)
		if len(calls) != 1 {
			t.Errorf("the second has %d records", len(calls))
		}
		// The second goes, and the first takes the name that nobody has.
		s.must(second.Terminate())
		s.must(pbx.Until(2*patience, "the first is connected again", func() (bool, error) {
			l, err := s.ariLink()
			return l.Up, err
		}))
		s.ends(s.dials(pbx.CallSpec{To: called, Talk: short}), 200)
		if calls, err = first.Calls(); err != nil || len(calls) != 1 {
			t.Errorf("the first has %d records (%v)", len(calls), err)
		}
	})
}

// What belongs to another application is left alone, whatever ringside finds at its start.
func TestAnotherApplicationIsLeftAlone(t *testing.T) {
	throughARI(t, func(t *testing.T, s *stage) {
		p := s.phone("101", pbx.Answers(soon))
		events, err := s.applicationNamed("other")
		s.must(err)
		defer func() { _ = events.CloseNow() }()
		s.must(s.rest(http.MethodPost, "channels/ringsider-leg-1", map[string]any{"endpoint": "PJSIP/101", "app": "other"}))
		s.must(s.rest(http.MethodPost, "bridges/other-bridge-1", map[string]any{"type": "mixing"}))
		s.must(s.rest(http.MethodPost, "bridges/ringsider-bridge-1", map[string]any{"type": "mixing"}))
		s.must(s.rest(http.MethodPost, "bridges/ringside-bridge-1", map[string]any{"type": "mixing"})) // as if an earlier ringside had left it
		s.eventually("the other application has its channel", func() (bool, error) {
			m, err := p.Messages()
			return len(m.Received("ACK")) > 0, err
		})
		d := s.ringside(toGroup([]string{"101"}, `members: ["101"]`))
		for range 2 {
			s.eventually("ringside has tidied up after itself alone", func() (bool, error) {
				ids, err := s.bridges()
				return len(ids) == 2 && !strings.Contains(strings.Join(ids, " "), "ringside-"), err
			})
			s.saw(p, 1, 0, 0)
			s.must(d.Process.Kill())
			s.must(s.rest(http.MethodPost, "bridges/ringside-bridge-1", map[string]any{"type": "mixing"}))
			s.restart()
		}
		for _, b := range []string{"other-bridge-1", "ringsider-bridge-1"} {
			s.must(s.rest(http.MethodDelete, "bridges/"+b, nil))
		}
		s.must(s.rest(http.MethodDelete, "channels/ringsider-leg-1", nil))
		s.quiet()
	})
}

// applicationNamed makes an application of the story's own known to Asterisk.
func (s *stage) applicationNamed(name string) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, _, err := websocket.Dial(ctx, fmt.Sprintf("ws://127.0.0.1:%d/ari/events?app=%s&api_key=ringside:secret", s.ARI, name), nil)
	return c, err
}

// rest makes a request to ARI.
func (s *stage) rest(method, path string, body any) error {
	text, err := json.Marshal(body)
	if err != nil || body == nil {
		text = nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, fmt.Sprintf("http://127.0.0.1:%d/ari/%s", s.ARI, path), strings.NewReader(string(text)))
	if err != nil {
		return err
	}
	req.SetBasicAuth("ringside", "secret")
	req.Header.Set("Content-Type", "application/json")
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("%s %s: %s", method, path, res.Status)
	}
	return nil
}
