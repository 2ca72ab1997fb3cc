package esl

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/uplink"
)

// recordingTracker notes what it is told, in order.
type recordingTracker struct {
	mu   sync.Mutex
	told []string
}

func (r *recordingTracker) note(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told = append(r.told, what)
}

func (r *recordingTracker) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.told)
}

func (r *recordingTracker) events() []string {
	return []string{"CHANNEL_CREATE", hangupComplete, "CUSTOM", "callcenter::info"}
}
func (r *recordingTracker) digest(e event) { r.note(e.name() + " " + e.get("Unique-ID")) }
func (r *recordingTracker) down()          { r.note("down") }
func (r *recordingTracker) up(ctx context.Context, run api) {
	printed, err := run(ctx, "status")
	if err != nil {
		printed = err.Error()
	}
	r.note("up " + printed)
	<-ctx.Done()
	r.note("up ends")
}

// started is a PBX that keeps its connection.
func started(t *testing.T, f *fakeSwitch, trackers ...tracker) *PBX {
	p := New(Options{Login: f.login()})
	p.trackers = append([]tracker{p.placed}, trackers...)
	p.Start()
	t.Cleanup(func() {
		if err := p.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return p
}

// Who follows is told events in their order, and when the connection comes and goes.
func TestTrackers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, r := newFakeSwitch(t), &recordingTracker{}
		f.says("status", "fine")
		p := started(t, f, r)
		synctest.Wait()
		if st := p.State(); !st.Up || st.Version != "1.10.12" {
			t.Fatalf("%+v", st)
		}
		if got, want := f.all()[1], "event plain BACKGROUND_JOB CHANNEL_HANGUP_COMPLETE CHANNEL_CREATE CUSTOM callcenter::info"; got != want {
			t.Errorf("subscribes with %q, want %q", got, want)
		}
		f.send(plainEvent("Event-Name: CHANNEL_CREATE\nUnique-ID: a\n", "") + plainEvent("Event-Name: CUSTOM\nEvent-Subclass: callcenter%3A%3Ainfo\n", "") +
			plainEvent("Event-Name: CHANNEL_HANGUP_COMPLETE\nUnique-ID: a\n", ""))
		synctest.Wait()
		f.hangUp()
		synctest.Wait()
		if st := p.State(); st.Up || !errors.Is(st.Err, ringside.ErrPBXAway) {
			t.Errorf("%+v", st)
		}
		if _, err := p.Channels(t.Context()); !errors.Is(err, ringside.ErrPBXAway) {
			t.Error(err)
		}
		time.Sleep(uplink.FirstRetry)
		synctest.Wait()
		if st := p.State(); !st.Up {
			t.Errorf("%+v", st)
		}
		want := "up fine, CHANNEL_CREATE a, callcenter::info , CHANNEL_HANGUP_COMPLETE a, up ends, down, up fine"
		if got := strings.Join(r.all(), ", "); got != want {
			t.Errorf("told %s\nwant %s", got, want)
		}
	})
}

// A peer that has died without a word is noticed.
func TestDeadPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSwitch(t)
		p := started(t, f)
		synctest.Wait()
		block := make(chan struct{})
		f.on("version", func(string) string { <-block; return "" })
		time.Sleep(15*time.Second + replyWithin)
		synctest.Wait()
		if st := p.State(); st.Up || !strings.Contains(st.Err.Error(), "does not answer") {
			t.Errorf("%+v", st)
		}
		close(block)
	})
}

// A refused password is tried once a minute at most.
func TestRefusedLoginIsTriedRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSwitch(t)
		l := f.login()
		l.Password = ringside.NewSecret("wrong")
		p := New(Options{Login: l})
		p.Start()
		time.Sleep(59 * time.Second)
		tries := 0
		for _, c := range f.all() {
			if strings.HasPrefix(c, "auth ") {
				tries++
			}
		}
		if err := p.WaitUp(t.Context()); tries != 1 || err == nil || strings.Contains(err.Error(), "wrong\n") {
			t.Errorf("%d tries, %v", tries, err)
		}
		if err := p.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// FreeSWITCH that is not there yet is tried again, more and more rarely.
func TestReconnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSwitch(t)
		l, tries := f.login(), 0
		l.open = func(ctx context.Context) (net.Conn, error) {
			if tries++; tries < 5 {
				return nil, errors.New("nobody there")
			}
			return f.open(ctx)
		}
		p := New(Options{Login: l})
		p.Start()
		time.Sleep(30 * time.Second)
		if st := p.State(); !st.Up || tries != 5 {
			t.Errorf("%d tries, %+v", tries, st)
		}
		if err := p.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Events that the user may not hear are left out, one by one.
func TestDeniedEvents(t *testing.T) {
	f := newFakeSwitch(t)
	f.denied["callcenter::info"], f.denied["CHANNEL_CREATE"] = true, true
	s, err := connect(t.Context(), f.login(), func(event) {})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	denied, err := s.subscribe(t.Context(), (&recordingTracker{}).events())
	if got := strings.Join(denied, " "); err != nil || got != "CHANNEL_CREATE callcenter::info" {
		t.Errorf("%s, %v", got, err)
	}
	f.denied[backgroundJob] = true
	if _, err := s.subscribe(t.Context(), nil); !errors.Is(err, ringside.ErrNotPermitted) {
		t.Error(err)
	}
}

// What can't be FreeSWITCH's ends the connection, and another one is made.
func TestNonsenseEndsTheConnection(t *testing.T) {
	for _, nonsense := range []string{
		"Content-Type: api/response\nContent-Length: -1\n\n", "Content-Type: api/response\nContent-Length: 9223372036854775807\n\n",
		"Content-Length: 16777217\nContent-Type: text/event-plain\n\n", strings.Repeat("x: y\n", maxHead/4),
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFakeSwitch(t)
			p := started(t, f)
			synctest.Wait()
			f.send(nonsense)
			synctest.Wait()
			if st := p.State(); st.Up || !errors.Is(st.Err, errProtocol) || !errors.Is(st.Err, ringside.ErrPBXAway) {
				t.Errorf("%.40q: %+v", nonsense, st)
			}
			time.Sleep(uplink.FirstRetry)
			synctest.Wait()
			if !p.State().Up {
				t.Errorf("%.40q: it has not come back", nonsense)
			}
		})
	}
}

// A connection that is reset ends what was asked on it.
func TestReset(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	f := newFakeSwitch(t)
	f.silent["status"] = true
	over := make(chan struct{})
	go func() {
		defer close(over)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		f.serve(conn)
	}()
	s, err := connect(t.Context(), Login{Address: l.Addr().String(), Password: ringside.NewSecret("secret")}, func(event) {})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if _, err := s.post(t.Context(), func(string) {}, "status"); err != nil {
		t.Fatal(err)
	}
	go func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		_ = f.out.(*net.TCPConn).SetLinger(0)
		_ = f.out.Close()
	}()
	if _, err := s.run(t.Context(), "status"); !errors.Is(err, ringside.ErrPBXAway) {
		t.Error(err)
	}
	<-over
}

// A panic in who follows costs one event.
func TestPanicCostsOneEvent(t *testing.T) {
	f := newFakeSwitch(t)
	heard := make(chan string, 2)
	s := f.session(func(e event) {
		if e.name() == "HEARTBEAT" {
			_ = []int{}[len(e.body)]
		}
		heard <- e.name()
	})
	f.send(plainEvent("Event-Name: HEARTBEAT\n", "") + plainEvent("Event-Name: CHANNEL_CREATE\n", ""))
	if got := <-heard; got != "CHANNEL_CREATE" {
		t.Error(got)
	}
	if _, err := s.run(t.Context(), "status"); err != nil {
		t.Error(err)
	}
}

func TestMergedEvents(t *testing.T) {
	got := strings.Join(merged([]string{"A", "CUSTOM", "x::y"}, nil, []string{"B", "A", "CUSTOM", "x::y", "z::z"}), " ")
	if got != "A B CUSTOM x::y z::z" {
		t.Error(got)
	}
}
