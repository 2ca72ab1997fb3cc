package ari

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/channeltest"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

func TestChannelConforms(t *testing.T) {
	channeltest.Conform(t, channeltest.Door{
		PBX: "asterisk", Open: openDoor, PlayInterrupts: true, Speaks: true, LosesCallOnDrop: grace,
	})
}

const grace = 30 * time.Second

// openDoor is an App and an Asterisk on which the lines' calls come into Stasis.
func openDoor(t *testing.T, serve channeltest.Serve, lines ...*channeltest.Line) (closed func()) {
	opt := Options{Deadline: time.Hour, Grace: grace}
	s := newSite(t, opt, serve)
	if lines[0].Speaks {
		s.speaks()
	}
	slow := lines[0].Slow
	s.start()
	// Connected before the calls come; the answers are slow from now on.
	s.pbx.do(func() { s.pbx.delays = func(fakeRequest) time.Duration { return slow } })
	for _, l := range lines {
		s.pbx.call(l)
		s.pbx.work.Go(func() {
			select {
			case <-l.Lost():
				s.pbx.do(func() { s.pbx.refuses = -1 })
				s.pbx.cut()
				_ = s.pbx.srv.Close()
			case <-s.pbx.closed:
			}
		})
	}
	return func() {
		s.stop()
		for _, l := range lines {
			select {
			case <-l.Lost():
				l.Continue() // by the next ringside, which finds the caller waiting
			default:
			}
		}
	}
}

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
	log *journal
}

// journal is a log that can be read while it is written.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func newSite(t *testing.T, opt Options, serve channeltest.Serve) *site {
	t.Helper()
	s := &site{t: t, pbx: newFake(t), log: &journal{}}
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
