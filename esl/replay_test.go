package esl

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/channeltest"
)

// replayed serves the call of a recording, and gives what ringside said.
func replayed(t *testing.T, name string, bridges map[string]string, serve func(ctx context.Context, ch ringside.Channel, p *player)) []string {
	t.Helper()
	var said []string
	synctest.Test(t, func(t *testing.T) {
		var p *player
		served := make(chan struct{})
		d := newDoorway(t, ServerOptions{Deadline: time.Hour}, &board{serve: func(ctx context.Context, ch ringside.Channel) {
			defer close(served)
			serve(ctx, ch, p)
		}})
		p = perform(t, d.call(), name)
		p.bridges = bridges
		go p.run()
		<-served
		d.Stop(t.Context(), nil)
		<-p.done
		said = p.said()
	})
	return said
}

// The failures of bridges that were recorded from FreeSWITCH 1.10.12: what each means, in the record and for
// what is done next. last_bridge_hangup_cause is that of an earlier attempt in three of them.
func TestRecordedFailuresOfBridges(t *testing.T) {
	bridges := map[string]string{
		"1": "loopback/9002/default", "2": "{originate_timeout=2}loopback/9001/default", "3": "sofia/internal/1@127.0.0.1:5999",
		"4": "nosuch/1", "5": "user/nosuch@127.0.0.1", "6": "error/user_busy",
	}
	replayed(t, "s02_bridge_failures", bridges, func(ctx context.Context, ch ringside.Channel, _ *player) {
		for number, want := range map[string]ringside.DialResult{
			"1": {Status: ringside.DialBusy, Cause: ringside.CauseBusy},
			"2": {Status: ringside.DialNoAnswer, Cause: ringside.CauseNoAnswer},
			"3": {Status: ringside.DialUnavailable, Cause: 41},
			"4": {Status: ringside.DialUnavailable, Cause: 66},
			"5": {Status: ringside.DialUnavailable, Cause: ringside.CauseAbsent},
			"6": {Status: ringside.DialBusy, Cause: ringside.CauseBusy},
		} {
			got, err := ch.Dial(ctx, channeltest.Extensions(number))
			if got != want || err != nil {
				t.Errorf("%s: %+v, %v, want %+v", bridges[number], got, err, want)
			}
		}
		if err := ch.Release(ctx, ringside.ResultReleased); err != nil {
			t.Error(err)
		}
	})
}

// A SIP call that was answered, and whose caller hung up.
func TestRecordedTalk(t *testing.T) {
	replayed(t, "s01_sip_call_bridge_uas", map[string]string{"8000": "sofia/internal/8000@127.0.0.1:5090"},
		func(ctx context.Context, ch ringside.Channel, p *player) {
			want := ringside.Offer{
				PBX: "freeswitch", CallID: "53f6b7cc-3890-489d-b83a-4af6aa51bec0", Channel: "53f6b7cc-3890-489d-b83a-4af6aa51bec0",
				Endpoint: "internal", Caller: "+79991234567", CallerName: "Иван Петров", Called: "7001", Context: "default",
			}
			got := ch.Offer()
			if got.At = (time.Time{}); got != want {
				t.Errorf("the offer is %+v, want %+v", got, want)
			}
			if err := ch.Answer(ctx); err != nil {
				t.Error(err)
			}
			time.AfterFunc(time.Second, p.hangUp)
			res, err := ch.Dial(ctx, channeltest.Extensions("8000"))
			if res.Status != ringside.DialAnswered || res.Answered.Number != "8000" || res.Cause != ringside.CauseNormal || err != nil {
				t.Errorf("the talk is %+v, %v", res, err)
			}
			if res.Talk != 1019982*time.Microsecond { // by FreeSWITCH's clock
				t.Errorf("they talked for %s", res.Talk)
			}
			if cause := context.Cause(ctx); !errors.Is(cause, ringside.ErrCallerGone) {
				t.Errorf("the call has ended with %v", cause)
			}
		})
}

// The notice that the connection lingers comes before the last event: neither ends the connection, and what
// comes after is heard.
func TestRecordedHangupIsHeardToItsEnd(t *testing.T) {
	said := replayed(t, "o04_remote_hangup_linger5", nil, func(ctx context.Context, _ ringside.Channel, p *player) {
		p.hangUp()
		<-ctx.Done()
		if cause := context.Cause(ctx); !errors.Is(cause, ringside.ErrCallerGone) {
			t.Errorf("the call has ended with %v", cause)
		}
	})
	if last := said[len(said)-1]; last != "exit" {
		t.Errorf("ringside said %q", said)
	}
}

// A name of many words in Cyrillic, and a variable of 7 KB, in data of 14 KB.
func TestRecordedOfferInCyrillicWithALargeVariable(t *testing.T) {
	replayed(t, "o17_utf8_and_big", nil, func(ctx context.Context, ch ringside.Channel, _ *player) {
		o := ch.Offer()
		if o.Caller != "+79991234567" || o.CallerName != `Иван Петров (ООО "Ромашка")` {
			t.Errorf("the offer is %+v", o)
		}
		if err := ch.Release(ctx, ringside.ResultReleased); err != nil {
			t.Error(err)
		}
	})
}

// The caller has gone before ringside has asked: nobody is served, and nothing is wrong.
func TestRecordedCallerGoneBeforeConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoorway(t, ServerOptions{}, &board{serve: func(context.Context, ringside.Channel) { t.Error("a call was served") }})
		conn := d.call()
		go func() { _, _ = io.Copy(io.Discard, conn) }()
		_, _ = conn.Write([]byte(spoken(tape(t, "s05_caller_gone_before_connect"), "SRV")))
		_ = conn.Close()
		d.Stop(t.Context(), nil)
		if log := d.log.String(); log != "" {
			t.Errorf("log: %s", log)
		}
	})
}

// FreeSWITCH refuses a reset connection's commands no more, and ringside takes its calls for lost.
func TestConnectionsThatBreak(t *testing.T) {
	for name, breaks := range map[string]func(c *net.TCPConn){
		"reset":       func(c *net.TCPConn) { _ = c.SetLinger(0); _ = c.Close() },
		"closed":      func(c *net.TCPConn) { _ = c.Close() },
		"half closed": func(c *net.TCPConn) { _ = c.CloseWrite() },
	} {
		t.Run(name, func(t *testing.T) {
			cause := make(chan error, 1)
			s, err := NewServer(ServerOptions{Listen: "127.0.0.1:0", Deadline: time.Hour, Site: Site{}}, &board{serve: func(ctx context.Context, ch ringside.Channel) {
				err := ch.Wait(ctx, "")
				<-ctx.Done()
				if !errors.Is(err, ringside.ErrConnectionLost) {
					t.Errorf("the wait has ended with %v", err)
				}
				cause <- context.Cause(ctx)
			}})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Stop(t.Context(), nil)
			conn, err := net.Dial("tcp", s.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_, _ = conn.Write(recordedFrames(t, "o01_full_session")[0].bytes())
			_, _ = conn.Write([]byte(strings.Repeat("Content-Type: command/reply\nReply-Text: +OK\n\n", 3)))
			time.Sleep(20 * time.Millisecond)
			breaks(conn.(*net.TCPConn))
			select {
			case err := <-cause:
				if !errors.Is(err, ringside.ErrConnectionLost) {
					t.Errorf("the call has ended with %v", err)
				}
			case <-time.After(5 * time.Second):
				t.Error("the call has not ended")
			}
		})
	}
}

// FreeSWITCH's refusals to who may command one channel alone do not become anybody else's replies.
func TestRecordedRefusalsWithoutFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoorway(t, ServerOptions{Deadline: time.Hour}, &board{serve: func(ctx context.Context, ch ringside.Channel) {
			_ = ch.Release(ctx, ringside.ResultReleased)
		}})
		conn := d.call()
		p := perform(t, conn, "o11_async_not_full")
		go p.run()
		<-p.done
		d.Stop(t.Context(), nil)
		for _, c := range p.said() {
			if strings.HasPrefix(c, "api") || strings.HasPrefix(c, "linger") || strings.HasPrefix(c, "event ") {
				t.Errorf("ringside said %q", c)
			}
		}
		if log := d.log.String(); !strings.Contains(log, "lacks the word full") {
			t.Errorf("log: %s", log)
		}
	})
}
