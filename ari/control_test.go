package ari

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
)

// Requests about channels name them as people see them, and reach the right one.
func TestChannelsAreControlledByTheirNames(t *testing.T) {
	story(t, Options{}, waitsForever, func(s *site) {
		l := s.line("call-1", nil)
		other := s.line("call-2", nil)
		after(time.Second)
		ctx := context.Background()
		all, err := s.app.Channels(ctx)
		if err != nil || len(all) != 2 {
			t.Fatalf("%+v, %v", all, err)
		}
		i := slices.IndexFunc(all, func(c ringside.ChannelInfo) bool { return c.ID == "call-1" })
		name := all[i].Name
		if c, err := s.app.Channel(ctx, name); err != nil || c.Caller != l.Caller || c.CallerName != l.CallerName || c.State != ringside.ChannelRing {
			t.Errorf("%+v, %v", c, err)
		}
		for what, err := range map[string]error{
			"set":  s.app.SetVariable(ctx, name, ringside.Variable{Name: "COLOUR", Value: "rot, \"grün\""}),
			"dtmf": s.app.SendDTMF(ctx, ringside.DTMFRequest{Channel: name, Digits: "12#"}),
			"mute": s.app.Mute(ctx, ringside.MuteRequest{Channel: name}),
		} {
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		if v, err := s.app.Variable(ctx, name, "COLOUR"); v != "rot, \"grün\"" || err != nil {
			t.Errorf("the variable is %q, %v", v, err)
		}
		if v, err := s.app.Variable(ctx, name, "UNSET"); v != "" || err != nil {
			t.Errorf("a variable that is not set is %q, %v", v, err)
		}
		if err := s.app.Hangup(ctx, ringside.HangupRequest{Channel: name, Cause: ringside.CauseBusy}); err != nil {
			t.Error(err)
		}
		after(time.Second)
		s.ended(l, "hung up 17")
		s.ended(other, "")
		if err := s.app.Hangup(ctx, ringside.HangupRequest{Channel: name}); !errors.Is(err, ringside.ErrNoChannel) {
			t.Errorf("hanging up what is gone: %v", err)
		}
		for what, err := range map[string]error{
			"a path": s.app.Hangup(ctx, ringside.HangupRequest{Channel: "../call-2"}), "a line": s.app.Hangup(ctx, ringside.HangupRequest{Channel: "a\r\nb"}),
			"a function": s.app.SetVariable(ctx, name, ringside.Variable{Name: "SHELL(id)", Value: "x"}),
		} {
			if err == nil {
				t.Errorf("%s is taken", what)
			}
		}
		for what, err := range map[string]error{
			"a transfer": s.app.Transfer(ctx, ringside.TransferRequest{}), "a bridge": s.app.Bridge(ctx, ringside.BridgeRequest{}),
		} {
			if !errors.Is(err, ringside.ErrRefused) {
				t.Errorf("%s: %v", what, err)
			}
		}
		other.Leave()
	})
}

// A probe says what is missing, changes nothing and takes no call away from who is connected.
func TestAProbeSaysWhatIsMissing(t *testing.T) {
	for name, c := range map[string]struct {
		wrong func(f *fake)
		says  []string
	}{
		"nothing":         {func(*fake) {}, nil},
		"modules":         {func(f *fake) { f.lacks = []string{"func_strings.so", "app_stasis.so"} }, []string{"app_stasis.so is not loaded", "func_strings.so is not loaded"}},
		"rights":          {func(f *fake) { f.readOnly = true }, []string{"may only read: set read_only = no"}},
		"a WebSocket":     {func(f *fake) { f.refuses = 404 }, []string{"the WebSocket: "}},
		"rights and more": {func(f *fake) { f.readOnly = true; f.lacks = []string{"app_stasis.so"} }, []string{"app_stasis.so", "may only read"}},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, Options{}, waitsForever, func(s *site) {
				l := s.line("call-1", nil)
				after(time.Second)
				writes := len(s.pbx.asked())
				s.pbx.do(func() { c.wrong(s.pbx) })
				rep, err := Probe(context.Background(), s.app.opt)
				if err != nil || rep.Version != "22.10.1" || len(rep.Problems) != len(c.says) {
					t.Fatalf("%+v, %v", rep, err)
				}
				for i, want := range c.says {
					if !strings.Contains(rep.Problems[i], want) {
						t.Errorf("problem %d is %q, want %q", i, rep.Problems[i], want)
					}
				}
				if n := len(s.pbx.asked()); n != writes+1 {
					t.Errorf("%d requests that write", n-writes)
				}
				after(2 * time.Second)
				if !s.app.State().Up || s.app.State().Calls != 1 || !rep.Application {
					t.Errorf("the state is %+v, the report %+v", s.app.State(), rep)
				}
				s.pbx.do(func() { s.pbx.readOnly = false })
				l.Leave()
			})
		})
	}
}

func TestAProbeOfNobodySaysSo(t *testing.T) {
	for name, c := range map[string]struct {
		wrong func(f *fake)
		want  error
	}{
		"nobody answers":   {func(f *fake) { f.refuses = -1 }, ringside.ErrPBXAway},
		"a wrong password": {func(f *fake) { f.password = "x" }, ringside.ErrNotPermitted},
		"it hangs":         {func(f *fake) { f.says = func(fakeRequest) *fakeAnswer { return &fakeAnswer{hang: true} } }, ringside.ErrPBXAway},
		"HTML": {func(f *fake) {
			f.says = func(fakeRequest) *fakeAnswer { return &fakeAnswer{status: 200, body: "<html>"} }
		}, ringside.ErrRefused},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, Options{}, nil)
			s.pbx.do(func() { c.wrong(s.pbx) })
			began := time.Now()
			if _, err := Probe(context.Background(), s.app.opt); !errors.Is(err, c.want) || time.Since(began) > 6*time.Second {
				t.Errorf("%s: %v after %s, want %v", name, err, time.Since(began), c.want)
			}
			s.stop()
		})
	}
}
