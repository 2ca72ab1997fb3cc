package agi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/calmlog"
	"github.com/ringside-pbx/ringside/internal/channeltest"
	"github.com/ringside-pbx/ringside/internal/peers"
)

// listen starts a server on a loopback port; it is stopped at the end of the test.
func listen(t *testing.T, opt Options, b *board) (*Server, *channeltest.Journal) {
	t.Helper()
	j := &channeltest.Journal{}
	opt.Listen, opt.Dial = "127.0.0.1:0", templates
	opt.Log = slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s, err := Listen(opt, b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		s.Stop(ctx, context.Canceled)
	})
	return s, j
}

func connect(t *testing.T, s *Server) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	return conn
}

// decideOnce is a good call: it gives the command that answered it, and how long that took.
func decideOnce(s *Server) (string, time.Duration, error) {
	begin := time.Now()
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		return "", 0, err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, environment22("decide?hold=0")); err != nil {
		return "", 0, err
	}
	r := bufio.NewReader(conn)
	command, err := r.ReadString('\n')
	took := time.Since(begin)
	if err != nil {
		return "", 0, err
	}
	_, _ = io.WriteString(conn, "200 result=0\n")
	rest, err := io.ReadAll(r)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%q follows", rest)
	}
	return command, took, err
}

func isServed(t *testing.T, s *Server) {
	t.Helper()
	command, _, err := decideOnce(s)
	if err != nil || !strings.HasSuffix(command, "RINGSIDE_RESULT=released\"\n") {
		t.Errorf("a good call is not served: %q, %v", command, err)
	}
}

// refused checks that the server closes the connection without a word.
func refused(t *testing.T, conn net.Conn) {
	t.Helper()
	got, err := io.ReadAll(conn)
	if len(got) > 0 {
		t.Errorf("the peer was told %q", got)
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		t.Error("the connection is still open")
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not come to this: %s", what)
		}
	}
}

// A10: a stranger is not even read.
func TestPeerThatIsNotAllowedIsClosedUnread(t *testing.T) {
	served := make(chan struct{}, 1)
	s, log := listen(t, Options{Allow: []netip.Prefix{netip.MustParsePrefix("192.0.2.7/32")}}, &board{
		decide: func(ringside.Offer, ringside.Handover) (ringside.Decision, string) {
			served <- struct{}{}
			return ringside.Decision{}, ""
		},
	})
	conn := connect(t, s)
	refused(t, conn)
	if len(served) > 0 || !strings.Contains(log.String(), "not on the allow-list") {
		t.Errorf("log: %s", log)
	}
	// The watchdog's own call is another matter: it would end a daemon that allows the PBX alone.
	if err := s.SelfTest(t.Context()); err != nil {
		t.Error(err)
	}
	refused(t, connect(t, s))
}

// A10: scripts are chosen from a fixed set; what else is asked for is refused and can't deface the log.
func TestOnlyKnownScriptsAreServed(t *testing.T) {
	s, log := listen(t, Options{}, &board{})
	for _, script := range []string{
		"/usr/bin/id", "../route", "route/", "Route", "route%00", "", "route\x1b[31m", "x\x00y", "route decide", strings.Repeat("a", 3000),
	} {
		conn := connect(t, s)
		_, _ = io.WriteString(conn, "agi_network: yes\nagi_network_script: "+script+"\nagi_threadid: 1\n\n")
		refused(t, conn)
	}
	isServed(t, s)
	if !strings.Contains(log.String(), "there is no such FastAGI script") {
		t.Errorf("nothing about it in the log: %s", log)
	}
	for line := range strings.Lines(log.String()) {
		if strings.ContainsFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool { return r < ' ' || r == 0x7f }) || len(line) > 500 {
			t.Errorf("a line in the log: %q", line)
		}
	}
}

// A30: the token opens the door, and is never seen again.
func TestToken(t *testing.T) {
	token := ringside.NewSecret("canary-4711")
	s, log := listen(t, Options{Token: token}, &board{})
	for _, query := range []string{"", "?token=", "?token=canary-471", "?token=canary-47111", "?token=wrong%20canary-4711", "?tokens=canary-4711", "?token=%zz"} {
		conn := connect(t, s)
		_, _ = io.WriteString(conn, environment22("decide"+query))
		refused(t, conn)
	}
	conn := connect(t, s)
	_, _ = io.WriteString(conn, environment22("decide?token=canary-4711&hold=0"))
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.HasPrefix(line, "EXEC MSet ") {
		t.Errorf("with the token: %q, %v", line, err)
	}
	_ = conn.Close()
	if err := s.SelfTest(t.Context()); err != nil {
		t.Error(err)
	}
	if text := log.String(); strings.Contains(text, "canary-4711") || !strings.Contains(text, "wrong token") {
		t.Errorf("log: %s", text)
	}
}

func TestOneConnectionTooManyIsClosedAtOnce(t *testing.T) {
	free := make(chan struct{})
	b := &board{serve: func(context.Context, ringside.Channel) { <-free }}
	s, log := listen(t, Options{MaxConnections: 3, Deadline: time.Minute}, b)
	var held []net.Conn
	for range 3 {
		conn := connect(t, s)
		_, _ = io.WriteString(conn, environment22("route"))
		held = append(held, conn)
	}
	eventually(t, "three calls are served", func() bool {
		open, silent := s.peers.Count()
		return open == 3 && silent == 0
	})
	begin := time.Now()
	refused(t, connect(t, s))
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("it was closed after %s", took)
	}
	if err := s.SelfTest(t.Context()); err != nil {
		t.Errorf("a server with enough to do is taken for a dead one: %v", err)
	}
	_ = held[0].SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := held[0].Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
		t.Error("a call that was there before has been closed")
	}
	close(free)
	eventually(t, "there is room again", func() bool {
		open, _ := s.peers.Count()
		return open == 0
	})
	isServed(t, s)
	if !strings.Contains(log.String(), "too many FastAGI connections") {
		t.Errorf("log: %s", log)
	}
}

// T8: who says nothing holds up nobody.
func TestSilentPeersHoldUpNobody(t *testing.T) {
	s, _ := listen(t, Options{}, &board{})
	for range 50 {
		connect(t, s)
	}
	for range 20 {
		isServed(t, s)
	}
}

// A31: silent peers that take all places make room for callers.
func TestSilentPeersMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, Options{MaxConnections: 20}, &board{})
		var silent []*asterisk
		for range 20 {
			silent = append(silent, s.dial())
		}
		synctest.Wait()
		s.dial().play("closed") // they may still be about to speak
		time.Sleep(peers.Patience)
		for range 15 {
			synctest.Wait() // the call before has left its place
			a := s.dial()
			a.say(environment22("decide"))
			a.play(`
				> EXEC MSet "RINGSIDE_ACTION=not_configured,RINGSIDE_CALL_ID=test-1,RINGSIDE_RESULT=released"
				< 200 result=0
				closed`)
		}
		silent[0].play("closed") // one was enough: a call that is over leaves its place
		silent[1].say(environment22("decide"))
		silent[1].play(`
			> EXEC MSet "RINGSIDE_ACTION=not_configured,RINGSIDE_CALL_ID=test-1,RINGSIDE_RESULT=released"
			< 200 result=0
			closed`)
		begin := time.Now()
		for _, a := range silent[2:] {
			a.play("closed")
		}
		if took := time.Since(begin); took >= environmentWithin {
			t.Errorf("the last silent one stayed for %s", took)
		}
		s.stop()
		if n := strings.Count(s.log.String(), "a silent one was closed"); n != 1 {
			t.Errorf("%d lines about it: %s", n, s.log)
		}
	})
}

// T7: a connection that is reset, wherever it stands, ends that connection alone.
func TestResetAtEveryPoint(t *testing.T) {
	var lost sync.WaitGroup
	s, _ := listen(t, Options{}, &board{serve: func(ctx context.Context, ch ringside.Channel) {
		lost.Add(1)
		defer lost.Done()
		_ = ch.Answer(ctx)
		_ = ch.Wait(ctx, "")
	}})
	env := environment22("route")
	for _, stage := range []struct {
		send    string
		replies int
	}{
		{"", 0}, {env[:5], 0}, {env[:len(env)-1], 0}, {env, 0}, {env, 1}, {env, 2},
	} {
		conn := connect(t, s).(*net.TCPConn)
		_, _ = io.WriteString(conn, stage.send)
		r := bufio.NewReader(conn)
		for range stage.replies {
			if _, err := r.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(conn, "200 result=0\n")
		}
		_ = conn.SetLinger(0)
		_ = conn.Close()
		isServed(t, s)
	}
	lost.Wait()
}

// T10: an environment without an end is given up by its limits.
func TestEndlessEnvironmentIsGivenUp(t *testing.T) {
	s, _ := listen(t, Options{}, &board{})
	for name, text := range map[string]string{
		"one line":   strings.Repeat("x", 4*maxEnvBytes),
		"many lines": strings.Repeat("a: b\n", 4*maxEnvBytes/5),
	} {
		conn := connect(t, s)
		_, _ = io.WriteString(conn, text) // may fail in the middle
		if _, err := io.Copy(io.Discard, conn); err != nil {
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				t.Errorf("%s: still open", name)
			}
		}
	}
	isServed(t, s)
}

// A31: a flood can't fill the disk with lines about it.
func TestLogIsNotFlooded(t *testing.T) {
	s, log := listen(t, Options{}, &board{})
	for range 200 {
		conn := connect(t, s)
		_, _ = io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n")
		refused(t, conn)
	}
	if n := strings.Count(log.String(), "\n"); n == 0 || n > calmlog.Burst {
		t.Errorf("%d lines", n)
	}
}

var errStopping = errors.New("ringside is stopping")

func TestStopWaitsForCallsAndThenEndsThem(t *testing.T) {
	causes := make(chan error, 8)
	b := &board{serve: func(ctx context.Context, ch ringside.Channel) {
		for ch.Wait(ctx, "") == nil && ctx.Err() == nil {
			_ = ch.Answer(ctx)
		}
		_, err := ch.Dial(ctx, channeltest.Extensions("101"))
		if err == nil {
			t.Error("somebody was rung by a stopped server")
		}
		causes <- context.Cause(ctx)
	}}
	s, _ := listen(t, Options{}, b)
	silent := connect(t, s)
	waiting, dialling := connect(t, s), connect(t, s)
	_, _ = io.WriteString(waiting, environment22("route"))
	r := bufio.NewReader(waiting)
	if line, err := r.ReadString('\n'); err != nil || line != "SET MUSIC ON default\n" {
		t.Fatalf("%q, %v", line, err)
	}
	_, _ = io.WriteString(waiting, "200 result=0\n")
	_, _ = io.WriteString(dialling, environment22("route")) // and never an answer

	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	done := make(chan int)
	go func() { done <- s.Stop(ctx, errStopping) }()
	if line, err := r.ReadString('\n'); err != nil || line != "SET MUSIC OFF\n" {
		t.Errorf("%q, %v", line, err)
	}
	_, _ = io.WriteString(waiting, "200 result=0\n")
	if left := <-done; left != 3 {
		t.Errorf("%d connections were left, of 3", left)
	}
	for range 2 {
		if err := <-causes; !errors.Is(err, errStopping) {
			t.Errorf("a call ended with %v", err)
		}
	}
	for _, conn := range []net.Conn{silent, waiting, dialling} {
		rest, _ := io.ReadAll(conn)
		if strings.Contains(string(rest), "Dial") {
			t.Errorf("a stopped server says %q", rest)
		}
	}
	if _, err := net.Dial("tcp", s.Addr().String()); err == nil {
		t.Error("a stopped server takes connections")
	}
	if err := s.SelfTest(t.Context()); err == nil {
		t.Error("a stopped server passes its own test")
	}
}

func TestStopWithoutGrace(t *testing.T) {
	for range 20 {
		s, _ := listen(t, Options{}, &board{})
		for range 3 {
			connect(t, s)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		begin := time.Now()
		s.Stop(ctx, errStopping)
		if took := time.Since(begin); took > 30*time.Second {
			t.Fatalf("it took %s", took)
		}
	}
}

func TestTakenAddressIsAnError(t *testing.T) {
	s, _ := listen(t, Options{}, &board{})
	if _, err := Listen(Options{Listen: s.Addr().String(), Dial: templates}, &board{}); err == nil {
		t.Error("two servers share a port")
	}
}

func TestSelfTestNoticesAHungSwitchboard(t *testing.T) {
	free := make(chan struct{})
	s, _ := listen(t, Options{Deadline: 20 * time.Millisecond}, &board{answered: func(string, string) { <-free }})
	if err := s.SelfTest(t.Context()); err == nil || !strings.Contains(err.Error(), "deadline") {
		t.Errorf("%v", err)
	}
	close(free)
	if err := s.SelfTest(t.Context()); err != nil {
		t.Error(err)
	}
}

// A31, to the extent of a quick test: 400 half-open connections that come again and again.
func TestFloodOfHalfOpenConnections(t *testing.T) {
	if testing.Short() {
		t.Skip("a flood takes a second")
	}
	s, _ := listen(t, Options{MaxConnections: 400}, &board{})
	measure := func() time.Duration {
		var took []time.Duration
		for range 300 {
			_, d, err := decideOnce(s)
			if err != nil {
				t.Fatal(err)
			}
			took = append(took, d)
		}
		slices.Sort(took)
		return took[len(took)*9/10]
	}
	measure()
	alone := measure()
	before := heap()
	var silent []net.Conn
	for range 400 {
		silent = append(silent, connect(t, s))
	}
	for i, conn := range silent {
		if i%2 == 0 {
			_, _ = io.WriteString(conn, "agi_network: yes\nagi_req")
		}
	}
	time.Sleep(peers.Patience)
	each := (heap() - before) / 400
	flooded := measure()
	t.Logf("p90 %s alone, %s among 400 half-open connections, which hold %d bytes each in the heap", alone, flooded, each)
	if each > 16*1024 {
		t.Errorf("a half-open connection holds %d bytes", each)
	}
	if flooded > 2*alone+20*time.Millisecond {
		t.Errorf("p90 was %s and is %s", alone, flooded)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}
