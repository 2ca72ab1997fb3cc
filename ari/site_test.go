package ari

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/channeltest"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// board is a switchboard that does what a test says; nil does nothing.
type board channeltest.Serve

func (b board) ServeCall(ctx context.Context, ch ringside.Channel) {
	if b != nil {
		b(ctx, ch)
	}
}

var templates = dialplan.Dial{Extension: "PJSIP/${number}", External: "PJSIP/${number}@trunk", Voicemail: "${number}@default"}

// site is an App with a test's switchboard, and its Asterisk, in a bubble of synctest.
type site struct {
	t   *testing.T
	pbx *fake
	app *App
	log *channeltest.Journal
}

func newSite(t *testing.T, opt Options, serve channeltest.Serve) *site {
	t.Helper()
	s := &site{t: t, pbx: newFake(t), log: &channeltest.Journal{}}
	opt.URL, opt.Username, opt.Dial, opt.dial = "http://127.0.0.1:8088/ari", "ringside", templates, s.pbx.dial
	if opt.Password.Reveal() == "" {
		opt.Password = ringside.NewSecret("secret")
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.NewTextHandler(io.Writer(s.log), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	app, err := New(opt, board(serve))
	if err != nil {
		t.Fatal(err)
	}
	s.app = app
	return s
}

// crash ends ringside as a crash does: nothing is tidied up. Asterisk stays as it is, and another ringside is
// made, which is not started yet.
func (s *site) crash() {
	s.t.Helper()
	s.pbx.do(func() {
		s.pbx.says = func(fakeRequest) *fakeAnswer { return &fakeAnswer{status: http.StatusServiceUnavailable} }
	})
	s.pbx.cut()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.app.Stop(ctx, http.ErrServerClosed)
	s.pbx.do(func() { s.pbx.says, s.pbx.requests = nil, nil })
	app, err := New(s.app.opt, s.app.handler)
	if err != nil {
		s.t.Fatal(err)
	}
	s.app = app
}

// speaks gives the dialplan an application that speaks.
func (s *site) speaks() { s.app.opt.Dial.Speech, s.pbx.speech = "Flite", "Flite" }

// start connects.
func (s *site) start() {
	s.t.Helper()
	s.app.Start()
	synctest.Wait()
	if err := s.app.Ready(); err != nil {
		s.t.Errorf("not ready: %v", err)
	}
}

// stop ends both.
func (s *site) stop() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	s.app.Stop(ctx, http.ErrServerClosed)
	s.pbx.stop()
}

// story is an App that is connected with an Asterisk and serves calls, until what is told has happened.
func story(t *testing.T, opt Options, serve channeltest.Serve, tell func(s *site)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, opt, serve)
		s.start()
		tell(s)
		s.stop()
		if t.Failed() {
			t.Logf("requests:\n%s\nlog:\n%s", strings.Join(s.pbx.asked(), "\n"), s.log)
		}
	})
}

// line is a call that arrives now; habits are phones by their numbers.
func (s *site) line(id string, habits map[string]*channeltest.Phone) *channeltest.Line {
	l := channeltest.NewLine(id, habits)
	s.pbx.call(l)
	return l
}

// after lets time pass and everything happen that happens then.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// ended checks how a line's call ended for ringside.
func (s *site) ended(l *channeltest.Line, want string) {
	s.t.Helper()
	if got := l.Ended(); got != want {
		s.t.Errorf("the call %s ended as %q, want %q", l.ID, got, want)
	}
}

// says checks that the log has each of the texts.
func (s *site) says(texts ...string) {
	s.t.Helper()
	for _, text := range texts {
		if !strings.Contains(s.log.String(), text) {
			s.t.Errorf("the log does not say %q", text)
		}
	}
}

// count checks how many requests there were of a kind.
func (s *site) count(want int, words ...string) {
	s.t.Helper()
	if got := s.pbx.asked(words...); len(got) != want {
		s.t.Errorf("%d requests %q, want %d:\n%s", len(got), words, want, strings.Join(got, "\n"))
	}
}

// waitsForever is a switchboard that lets callers wait until they leave.
func waitsForever(ctx context.Context, ch ringside.Channel) { _ = ch.Wait(ctx, "") }
