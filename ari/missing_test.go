package ari

import (
	"strings"
	"testing"
	"time"

	"github.com/CyCoreSystems/ari/v6"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/channeltest"
)

// The event that tells that who has answered can be commanded is lost, as any event can be: the two are
// connected all the same, and nobody waits in silence.
func TestWhoHasAnsweredIsConnectedAlsoIfAsteriskDoesNotTell(t *testing.T) {
	out := make(chan outcome, 1)
	req := channeltest.Extensions()
	req.Targets = []ringside.Target{{Kind: ringside.ToExtension, Number: "101"}}
	story(t, Options{}, dialsOnce(out, req), func(s *site) {
		s.pbx.do(func() {
			s.pbx.loses = func(kind, id string) bool {
				return kind == ari.Events.StasisStart && strings.HasPrefix(id, "ringside-leg-")
			}
		})
		s.line("call-1", map[string]*channeltest.Phone{"101": {Answers: time.Second, Talk: time.Minute}})
		after(5 * time.Minute)
		select {
		case o := <-out:
			if o.res.Status != ringside.DialAnswered || o.res.Talk < time.Minute || o.res.Talk > time.Minute+2*entering {
				t.Errorf("%+v, %v", o.res, o.err)
			}
		default:
			t.Error("the caller still waits")
		}
	})
}

// What begins like an id of ringside's own would be taken for one after a restart.
func TestNamesOfApplicationsThatCanNotBeTold(t *testing.T) {
	for name, good := range map[string]bool{
		"ringside": true, "office.2": true, "ringside-2": true,
		"ringside-leg": false, "a-call": false, "a-bridge": false, "a-sound": false, "a b": false, "a/b": false, strings.Repeat("a", 41): false,
	} {
		errs := Options{URL: "http://127.0.0.1:8088/ari", Username: "u", Name: name}.Validate()
		if good != (len(errs) == 0) {
			t.Errorf("%q: %v", name, errs)
		}
	}
}
