package ari

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/channeltest"
)

// Two programs with one application's name do not take it from one another for ever: who was replaced says
// so, keeps away while the name is known, and its calls end as in any other outage.
func TestAnotherProgramWithTheNameIsNotFought(t *testing.T) {
	story(t, Options{}, waitsForever, func(s *site) {
		l := s.line("call-1", nil)
		after(time.Second)
		other, err := newREST(s.app.opt)
		if err != nil {
			t.Fatal(err)
		}
		socket, err := other.connect(context.Background(), testApp)
		if err != nil {
			t.Fatal(err)
		}
		defer other.client.CloseIdleConnections()
		heard := make(chan string, 100)
		s.pbx.work.Go(func() {
			for {
				frame, err := socket.read(context.Background())
				if err != nil {
					return
				}
				heard <- kind(frame)
			}
		})
		after(time.Second)
		if state := s.app.State(); state.Up || !errors.Is(state.Err, errReplaced) || !errors.Is(s.app.Ready(), errReplaced) {
			t.Errorf("the state is %+v", state)
		}
		s.ended(l, "")
		after(50 * time.Second)
		for len(heard) > 0 {
			if k := <-heard; k == "ApplicationReplaced" {
				t.Error("the name was taken back")
			}
		}
		s.says("another program has connected with the application's name")
		s.ended(l, "dialplan") // it has been kept for as long as any other outage
		socket.close()
		after(time.Minute)
		if !s.app.State().Up {
			t.Errorf("not connected again: %v", s.app.State().Err)
		}
		if n := s.app.State().Calls; n != 0 {
			t.Errorf("%d calls are known", n)
		}
	})
}

// What is wrong is said in words that help, and not again and again.
func TestAStateSaysWhatToChange(t *testing.T) {
	for name, c := range map[string]struct {
		wrong func(f *fake)
		says  string
		is    error
	}{
		"a wrong password":      {func(f *fake) { f.password = "another" }, "user or password are wrong, see ari.conf", ringside.ErrNotPermitted},
		"no ARI":                {func(f *fake) { f.refuses = 404 }, "load res_ari_events and enable it in ari.conf and http.conf", nil},
		"Asterisk is away":      {func(f *fake) { f.refuses = -1 }, "the PBX can't be reached", ringside.ErrPBXAway},
		"something else serves": {func(f *fake) { f.refuses = 503 }, "Asterisk answers 503", nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, Options{}, nil)
				s.pbx.do(func() { c.wrong(s.pbx) })
				s.app.Start()
				after(time.Second)
				state := s.app.State()
				if state.Up || state.Err == nil || !strings.Contains(state.Err.Error(), c.says) || c.is != nil && !errors.Is(state.Err, c.is) {
					t.Errorf("the state is %+v", state)
				}
				s.says(c.says)
				after(10 * time.Minute)
				if n := strings.Count(s.log.String(), "\n"); n > 3 {
					t.Errorf("%d lines of log:\n%s", n, s.log)
				}
				s.pbx.do(func() { s.pbx.password, s.pbx.refuses = "secret", 0 })
				after(20 * time.Second)
				if !s.app.State().Up {
					t.Errorf("not connected: %v", s.app.State().Err)
				}
				s.stop()
			})
		})
	}
}

// An Asterisk that does not answer a ping is away, whatever the operating system thinks of the connection.
func TestAConnectionThatIsDeadIsNoticed(t *testing.T) {
	story(t, Options{Keepalive: 10 * time.Second, Timeout: 2 * time.Second}, nil, func(s *site) {
		s.pbx.do(func() { s.pbx.deaf = true })
		after(12*time.Second + 100*time.Millisecond)
		if s.app.State().Up {
			t.Error("a dead connection is taken for one that lives")
		}
		s.says("Asterisk does not answer a ping")
		s.pbx.do(func() { s.pbx.deaf = false })
		after(30 * time.Second)
		if !s.app.State().Up {
			t.Errorf("not connected again: %v", s.app.State().Err)
		}
	})
}

// The lists that are read after a reconnection may fail: they are asked for again, and calls go on.
func TestTheListsAreAskedForAgain(t *testing.T) {
	story(t, Options{}, waitsForever, func(s *site) {
		l := s.line("call-1", nil)
		after(time.Second)
		n := 0
		s.pbx.do(func() {
			s.pbx.says = func(r fakeRequest) *fakeAnswer {
				if r.String() != "GET channels" || n >= 4 {
					return nil
				}
				n++
				return []*fakeAnswer{{status: 500}, {status: 200, body: "<html>"}, {status: 200, body: `{"a":1}`}, {hang: true}}[n-1]
			}
		})
		s.pbx.cut()
		after(30 * time.Second)
		if !s.app.State().Up || n != 4 {
			t.Errorf("not ready after %d lists: %v", n, s.app.State().Err)
		}
		s.ended(l, "")
		l.Leave()
	})
}

// The password stands in one header, and nowhere else: no line of the log, no error, no text of a value.
func TestThePasswordIsToldToNobodyButAsterisk(t *testing.T) {
	const canary = "s3cret-canary/+:"
	said := &channeltest.Journal{}
	opt := Options{
		Password: ringside.NewSecret(canary), Log: slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Timeout: time.Second,
	}
	texts := &channeltest.Journal{} // of what was said in whatever way
	note := func(format string, args ...any) { fmt.Fprintf(texts, format+"\n", args...) }
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, opt, func(ctx context.Context, ch ringside.Channel) {
			_, err := ch.Dial(ctx, channeltest.Extensions("101", "102"))
			note("%v %v %v %v", err, ch.Offer(), ch.Answer(ctx), ch.Hangup(ctx, 17))
		})
		s.pbx.do(func() { s.pbx.password = canary })
		s.start()
		l := s.line("call-1", map[string]*channeltest.Phone{"101": {}})
		after(time.Second)
		for _, answer := range []fakeAnswer{{status: 401, body: `{"message":"Authentication required"}`}, {status: 500, body: "<html>"}, {hang: true}} {
			s.pbx.do(func() { s.pbx.says = func(fakeRequest) *fakeAnswer { return &answer } })
			_, err := s.app.Channels(context.Background())
			note("%v %+v %#v", err, err, err)
			var refused *RequestError
			if errors.As(err, &refused) {
				note("%+v", *refused)
			}
		}
		for _, wrong := range []int{401, 404, 500, -1} {
			s.pbx.do(func() { s.pbx.refuses = wrong })
			s.pbx.cut()
			after(20 * time.Second)
			note("%+v %v", s.app.State(), s.app.Ready())
		}
		note("%v %+v", s.app.opt.Password, s.app.opt)
		_, err := New(Options{URL: "http://u:" + canary + "@h/ari"}, nil)
		note("%v", err)
		_, err = New(Options{URL: "http://u:" + canary + "@h/ari?x=1", Username: "u"}, nil)
		note("%v", err)
		_, err = Probe(context.Background(), s.app.opt)
		note("%v", err)
		l.Leave()
		s.stop()
	})
	for _, text := range []string{texts.String(), said.String()} {
		for _, secret := range []string{canary, "s3cret", "czNjcmV0"} {
			if strings.Contains(text, secret) {
				t.Errorf("%q is in %.500s", secret, text)
			}
		}
	}
	if len(said.String()) == 0 {
		t.Error("nothing was logged")
	}
}
