package ami

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/ringside-pbx/ringside"
)

// heard are the extensions' reports.
type heard struct {
	mu       sync.Mutex
	reports  []ringside.LineReport
	silences int
}

func (h *heard) Report(r ...ringside.LineReport) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reports = append(h.reports, r...)
}

func (h *heard) Answered(string, string) {}

func (h *heard) Silence() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.silences++
	h.reports = nil
}

func (h *heard) told() (reports, silences int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.reports), h.silences
}

func pbxAt(address string, lines Lines) *PBX {
	return New(Options{
		Login: Login{Address: address, Username: "ringside", Secret: ringside.NewSecret("secret"), Plain: true}, Lines: lines,
		Places: Places{Extension: "PJSIP/${number}"},
	})
}

// A connection is lost and comes back: everything is told again, and the state is honest all the time.
func TestAConnectionThatComesBack(t *testing.T) {
	f := newFakeManager(t)
	f.on("DeviceStateList", func(Message) string {
		return listOf("DeviceStateListComplete", "Event: DeviceStateChange\nDevice: PJSIP/101\nState: INUSE", "Event: DeviceStateChange\nDevice: PJSIP/102\nState: NOT_INUSE")
	})
	h := &heard{}
	p := pbxAt(f.listen(), h)
	if err := p.Hangup(t.Context(), ringside.HangupRequest{Channel: "PJSIP/101-1"}); !errors.Is(err, ringside.ErrPBXAway) {
		t.Errorf("before it has started: %v", err)
	}
	p.Start()
	up := func() bool { return p.State().Up }
	soon(t, "that it is up", up)
	if n, silences := h.told(); n != 2 || silences != 0 {
		t.Errorf("%d reports, %d silences", n, silences)
	}
	since := p.State().Since
	f.hangUp()
	soon(t, "that it is down", func() bool { return !up() })
	st := p.State()
	if _, silences := h.told(); silences != 1 || st.Err == nil || !st.Since.After(since) || st.Attempts != 1 {
		t.Errorf("%d silences, state %+v", silences, st)
	}
	if _, err := p.Channels(t.Context()); !errors.Is(err, ringside.ErrPBXAway) {
		t.Errorf("while it is away: %v", err)
	}
	soon(t, "that it is back", up)
	if n, silences := h.told(); n != 2 || silences != 1 || p.State().Err != nil {
		t.Errorf("%d reports, %d silences, %v", n, silences, p.State().Err)
	}
	if err := p.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestStopEndsEverythingSoon(t *testing.T) {
	for name, f := range map[string]func(t *testing.T) string{
		"while nobody is there": func(*testing.T) string { return "127.0.0.1:1" },
		"while it waits for a greeting": func(t *testing.T) string {
			f := newFakeManager(t)
			f.mute = true
			return f.listen()
		},
		"while it waits for a list": func(t *testing.T) string {
			f := newFakeManager(t)
			f.on("DeviceStateList", func(Message) string { return "Response: Success\nEventList: start" })
			return f.listen()
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := pbxAt(f(t), nil)
			old := goleak.IgnoreCurrent()
			p.Start()
			time.Sleep(50 * time.Millisecond)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			began := time.Now()
			if err := p.Stop(ctx); err != nil {
				t.Errorf("after %s: %v", time.Since(began), err)
			}
			goleak.VerifyNone(t, old, goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"))
		})
	}
}

// A wrong secret is not tried again within a minute: Asterisk's administrator watches for guessing.
func TestAWrongSecretIsTriedRarely(t *testing.T) {
	f := newFakeManager(t)
	logins := make(chan struct{}, 10)
	f.on("Login", func(Message) string {
		logins <- struct{}{}
		return "Response: Error\nMessage: Authentication failed"
	})
	p := pbxAt(f.listen(), nil)
	p.Start()
	var auth *AuthError
	if err := p.WaitUp(t.Context()); !errors.As(err, &auth) {
		t.Errorf("got %v", err)
	}
	time.Sleep(1500 * time.Millisecond) // the first retry of any other failure
	if len(logins) != 1 {
		t.Errorf("%d logins", len(logins))
	}
	if err := p.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// Asterisk lets people log in before it has loaded what answers them (recorded: boot-early.txt).
func TestWhatAsteriskCanNotTellWhileItBootsIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeManager(t)
		f.on("Login", func(Message) string { return "Response: Success" })
		booted := false
		answer := func(m Message) string {
			action := m.Get("Action")
			f.mu.Lock()
			defer f.mu.Unlock()
			if !booted {
				return "Response: Error\nMessage: Invalid/unknown command: " + action + ". Use Action: ListCommands to show available commands."
			}
			return listOf(action+"Complete", "Event: DeviceStateChange\nDevice: PJSIP/101\nState: INUSE")
		}
		f.on("DeviceStateList", answer)
		f.on("QueueSummary", answer)
		h := &heard{}
		p := pbxAt("", h)
		s := f.session(p.event)
		early, err := p.resync(t.Context(), s)
		if !early || err != nil {
			t.Fatalf("early %t, %v", early, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan error)
		go func() { over <- p.keepAlive(ctx, s, early) }()
		time.Sleep(5 * time.Second)
		f.mu.Lock()
		booted = true
		f.mu.Unlock()
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if n, _ := h.told(); n != 1 {
			t.Errorf("%d reports", n)
		}
		cancel()
		<-over
		s.Close()
	})
}

// A peer that answers no more is gone, although the connection stands.
func TestAPeerThatAnswersNoMoreIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeManager(t)
		p := pbxAt("", nil)
		s := f.session(p.event)
		dead := false
		f.on("Ping", func(Message) string {
			f.mu.Lock()
			defer f.mu.Unlock()
			if dead {
				return "Event: Reload\nPrivilege: system,all\nActionID: "
			}
			return "Response: Success\nPing: Pong"
		})
		over := make(chan error)
		go func() { over <- p.keepAlive(t.Context(), s, false) }()
		time.Sleep(time.Minute)
		f.mu.Lock()
		dead = true
		f.mu.Unlock()
		began := time.Now()
		if err := <-over; !errors.Is(err, ringside.ErrPBXAway) || time.Since(began) > p.opt.Keepalive+pingWithin {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		s.Close()
	})
}
