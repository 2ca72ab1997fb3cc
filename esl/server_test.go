package esl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/channeltest"
)

// A fake FreeSWITCH (A11), or a real one gone mad: what it says costs little, is said in the log without what
// it says, and the next call is served.
func TestWhatIsNoFreeSWITCHIsClosed(t *testing.T) {
	reply := "Content-Type: command/reply\nReply-Text: %2BOK%0A\nControl: full\nSocket-Mode: async\n"
	for name, said := range map[string]string{
		"another protocol":                          "HTTP/1.1 400 Bad Request\r\n\r\n",
		"nothing at all":                            "",
		"an end in the middle":                      "Event-Name: CHANNEL_DATA\nUnique",
		"a header without an end":                   "Event-Name: " + strings.Repeat("x", 3<<20),
		"headers without an end":                    strings.Repeat("X: y\n", 1<<20),
		"a negative length":                         "Content-Length: -1\n" + reply + "\n",
		"the largest length":                        "Content-Length: 9223372036854775807\n" + reply + "\n",
		"a length beyond numbers":                   "Content-Length: 99999999999999999999999999\n" + reply + "\n",
		"a length that is none":                     "Content-Length: ten\n" + reply + "\n",
		"16 MB":                                     "Content-Length: 16777216\n" + reply + "\n",
		"a length that is not kept":                 "Content-Length: 8000000\n" + reply + "\nshort",
		"no channel":                                reply + "\n",
		"a channel that is a command":               reply + "Unique-ID: x%20all%0A%0Aapi%20system%20id\n\n",
		"a channel that is a path":                  reply + "Unique-ID: ../../x\n\n",
		"a refusal":                                 "Content-Type: command/reply\nReply-Text: -ERR no\nUnique-ID: 1\n\n",
		"an event before the data":                  "Content-Length: 0\nContent-Type: text/event-plain\n\n",
		"a request for a password":                  "Content-Type: auth/request\n\n",
		"escape sequences for whoever sees the log": "\x1b[2J\x1b]0;x\a: y\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDoorway(t, ServerOptions{}, &board{serve: func(context.Context, ringside.Channel) { t.Error("a call was served") }})
				before := heap()
				conn := d.call()
				go func() { _, _ = io.Copy(io.Discard, conn) }()
				_, _ = io.WriteString(conn, said)
				if grown := heap() - before; grown > 12<<20 {
					t.Errorf("it took %d bytes", grown)
				}
				_ = conn.Close()
				d.Stop(t.Context(), nil)
				if log := d.log.String(); strings.ContainsAny(log, "\x1b\a") || len(log) > 1000 {
					t.Errorf("log: %.2000q", log)
				}
			})
		})
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse)
}

// A mute peer is given up, and holds nobody up meanwhile.
func TestMutePeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoorway(t, ServerOptions{}, &board{})
		conn := d.call()
		begin := time.Now()
		_, _ = io.Copy(io.Discard, conn)
		if took := time.Since(begin); took != connectWithin {
			t.Errorf("it was closed after %s", took)
		}
		d.Stop(t.Context(), nil)
	})
}

func TestPeersThatAreNotAllowedAreToldNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoorway(t, ServerOptions{Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, &board{})
		if said, _ := io.ReadAll(d.call()); len(said) > 0 {
			t.Errorf("it was told %q", said)
		}
		d.Stop(t.Context(), nil)
		if !strings.Contains(d.log.String(), "not on the allow-list") {
			t.Errorf("log: %s", d.log)
		}
	})
}

// One call too many is closed at once, so that its dialplan goes on at once; silent connections make room.
func TestMoreConnectionsThanThereMayBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		d := newDoorway(t, ServerOptions{MaxConnections: 2, Deadline: time.Hour}, &board{serve: func(context.Context, ringside.Channel) { <-free }})
		var players []*player
		for range 2 {
			p := perform(t, d.call(), "o01_full_session")
			players = append(players, p)
			go p.run()
		}
		synctest.Wait()
		if said, _ := io.ReadAll(d.call()); len(said) > 0 {
			t.Errorf("it was told %q", said)
		}
		close(free)
		for _, p := range players {
			<-p.done
		}
		silent := []net.Conn{d.call(), d.call()}
		go func() { _, _ = io.Copy(io.Discard, silent[0]) }()
		go func() { _, _ = io.Copy(io.Discard, silent[1]) }()
		time.Sleep(time.Second)
		p := perform(t, d.call(), "o01_full_session")
		go p.run()
		<-p.done
		if said := p.said(); len(said) < 2 {
			t.Errorf("a caller was kept out by silent connections: %q", said)
		}
		d.Stop(t.Context(), nil)
	})
}

// commands are those of a player, without what begins every call.
func (p *player) commandsAfterConnect() []string {
	var after []string
	for _, c := range p.said() {
		if c != "connect" && c != "myevents plain" && c != "linger "+lingerFor {
			after = append(after, c)
		}
	}
	return after
}

const o01 = "62e89520-7015-4d39-8a1b-c7686edd3c48"

// A decision that comes too late: the call has been released with the default, and nothing is done to it any
// more.
func TestLateDecision(t *testing.T) {
	for name, c := range map[string]struct{ extension, want string }{
		"with a default":  {"100", "api uuid_setvar_multi " + o01 + " RINGSIDE_DIAL=user/100;RINGSIDE_RESULT=default"},
		"without default": {"", "api uuid_setvar_multi " + o01 + " RINGSIDE_RESULT=released"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDoorway(t, ServerOptions{Default: c.extension}, &board{serve: func(ctx context.Context, ch ringside.Channel) {
					time.Sleep(51 * time.Millisecond)
					if _, err := ch.Dial(ctx, channeltest.Extensions("101")); err == nil {
						t.Error("somebody was rung")
					}
					if cause := context.Cause(ctx); !errors.Is(cause, errLate) {
						t.Errorf("the call has ended with %v", cause)
					}
				}})
				p := perform(t, d.call(), "o01_full_session")
				go p.run()
				<-p.done
				d.Stop(t.Context(), nil)
				if got := fmt.Sprint(p.commandsAfterConnect()); got != fmt.Sprint([]string{c.want, "exit"}) {
					t.Errorf("ringside said %s", got)
				}
			})
		})
	}
}

// The dialplan keeps control: it is told the decision, and has the call at once.
func TestDecide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoorway(t, ServerOptions{}, &board{
			serve: func(context.Context, ringside.Channel) { t.Error("the call was driven") },
			decide: func(o ringside.Offer, h ringside.Handover) (ringside.Decision, string) {
				if o.Called != "7007" || h.Hold == nil || *h.Hold != 5*time.Second || !h.Tracked {
					t.Errorf("%+v, %+v", o, h)
				}
				return ringside.Decision{Action: ringside.Route, Target: "101", Timeout: 20 * time.Second}, "test-1"
			},
		})
		p := perform(t, d.call(), "o12_socket_path")
		p.data = []byte(strings.ReplaceAll(string(p.data), "some/path%3Fx%3D1", "decide%3Fhold%3D5&tracked%3D1"))
		go p.run()
		<-p.done
		d.Stop(t.Context(), nil)
		commands := p.commandsAfterConnect()
		if len(commands) != 2 || commands[1] != "exit" || !strings.HasSuffix(commands[0],
			" RINGSIDE_ACTION=route;RINGSIDE_TARGET=101;RINGSIDE_DIAL=user/101;RINGSIDE_TIMEOUT=20;RINGSIDE_CALL_ID=test-1;RINGSIDE_RESULT=decided") {
			t.Errorf("ringside said %q; log: %s", commands, d.log)
		}
	})
}

// An address with a path that means nothing: the call is left to the dialplan.
func TestUnknownPath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoorway(t, ServerOptions{}, &board{serve: func(context.Context, ringside.Channel) { t.Error("a call was served") }})
		p := perform(t, d.call(), "o12_socket_path")
		go p.run()
		<-p.done
		d.Stop(t.Context(), nil)
		if got := fmt.Sprint(p.commandsAfterConnect()); got != "[exit]" {
			t.Errorf("ringside said %s", got)
		}
	})
}

// Whoever waits is given back when ringside is stopped: what plays is stopped first. A talk goes on.
func TestStop(t *testing.T) {
	stopping := errors.New("stopping")
	for name, c := range map[string]struct {
		serve func(ctx context.Context, ch ringside.Channel) error
		want  string
	}{
		"while a caller waits": {
			func(ctx context.Context, ch ringside.Channel) error { return ch.Wait(ctx, "") },
			"api uuid_break call-1 all; api uuid_setvar_multi call-1 playback_timeout_sec=;playback_timeout_as_success=; exit; ",
		},
		"while a caller waits after an attempt": {
			func(ctx context.Context, ch ringside.Channel) error {
				_, _ = ch.Dial(ctx, channeltest.Extensions("102"))
				return ch.Wait(ctx, "")
			},
			"api uuid_break call-1 all; api uuid_setvar_multi call-1 continue_on_fail=;hangup_after_bridge=;call_timeout=;ringback=;transfer_ringback=;" +
				"playback_timeout_sec=;playback_timeout_as_success=; exit; ",
		},
		"while they talk": {func(ctx context.Context, ch ringside.Channel) error {
			_, err := ch.Dial(ctx, channeltest.Extensions("101"))
			return err
		}, "exit; "},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				d := newDoorway(t, ServerOptions{Deadline: time.Hour}, &board{serve: func(ctx context.Context, ch ringside.Channel) {
					if err := c.serve(ctx, ch); !errors.Is(err, stopping) {
						t.Errorf("it ended with %v", err)
					}
				}})
				line := channeltest.NewLine("call-1", map[string]*channeltest.Phone{"101": {Answers: time.Second, Talk: time.Minute}, "102": {Busy: true}})
				f := newDialplanSwitch(line, d.call(), true, true)
				var last channeltest.Journal
				f.heard = func(command string) {
					if time.Since(began) >= 10*time.Second {
						_, _ = last.Write([]byte(command + "; "))
					}
				}
				done := make(chan struct{})
				go func() { defer close(done); f.run() }()
				time.Sleep(10 * time.Second)
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				if left := d.Stop(ctx, stopping); left != 1 {
					t.Errorf("%d calls were left", left)
				}
				<-done
				if got := last.String(); got != c.want {
					t.Errorf("ringside said %s", got)
				}
				if line.Ended() != "dialplan" || line.Hearing() != "" {
					t.Errorf("the call ended as %q, hearing %q", line.Ended(), line.Hearing())
				}
			})
		})
	}
}

// ringside dies while a caller hears music: the dialplan has them within a piece of it (T12).
func TestDeathWhileACallerWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoorway(t, ServerOptions{Deadline: time.Hour}, &board{serve: func(ctx context.Context, ch ringside.Channel) { _ = ch.Wait(ctx, "") }})
		line := channeltest.NewLine("call-1", nil)
		ours, theirs := net.Pipe()
		d.pipes.Conns <- from{ours}
		f := newDialplanSwitch(line, theirs, true, true)
		done := make(chan struct{})
		go func() { defer close(done); f.run() }()
		time.Sleep(70 * time.Second)
		if line.Hearing() != "default" || d.log.String() != "" {
			t.Errorf("the caller hears %q; log: %s", line.Hearing(), d.log)
		}
		_ = ours.Close() // as the kernel does for a process that was killed
		begin := time.Now()
		<-done
		if took := time.Since(begin); took > 21*time.Second || line.Ended() != "dialplan" {
			t.Errorf("after %s the call ended as %q", took, line.Ended())
		}
		d.Stop(t.Context(), nil)
	})
}

// A8: whatever a name, a number or a text holds, one command remains one, and no other word is in it.
func TestTextsStayTexts(t *testing.T) {
	for _, hostile := range []string{
		"x\n\napi system touch /tmp/x\n\n", "x\r\n\r\nexit\r\n\r\n", "x\x00y", "a;RINGSIDE_RESULT=done", "a';RINGSIDE_RESULT=done;'", `\';RINGSIDE_RESULT=done`,
		"^^,a=b", "${system(id)}", "$${x}", "`id`", "]user/900,[x", "a,b=c}", "Content-Length: 5\n\nabcde",
	} {
		t.Run(hostile, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDoorway(t, ServerOptions{Deadline: time.Hour, Site: Site{Speech: "flite|slt"}}, &board{serve: func(ctx context.Context, ch ringside.Channel) {
					_ = ch.Tell(ctx, "test-1", &ringside.Decision{
						Action: ringside.Route, Target: "101", CallerName: hostile,
						Group: &ringside.RingGroup{Name: hostile}, Rule: &ringside.Rule{Name: hostile},
					})
					_ = ch.Wait(ctx, hostile)
					_ = ch.Play(ctx, ringside.Prompt{Text: hostile})
					_ = ch.Play(ctx, ringside.Prompt{Sound: hostile})
					_ = ch.Voicemail(ctx, hostile)
					_, _ = ch.Dial(ctx, channeltest.Extensions(hostile))
					req := channeltest.Extensions("101")
					req.CallerName, req.Music, req.CallID = hostile, hostile, hostile
					_, _ = ch.Dial(ctx, req)
					_ = ch.Release(ctx, ringside.Result(hostile))
				}})
				line := channeltest.NewLine("call-1", map[string]*channeltest.Phone{"101": {Answers: time.Second, Talk: time.Second}})
				time.AfterFunc(time.Hour, line.Leave)
				f := newDialplanSwitch(line, d.call(), true, true)
				f.heard = func(command string) {
					switch verb, rest, _ := strings.Cut(command, " "); verb {
					case "connect", "myevents", "linger", "exit", "sendmsg":
					case "api":
						if name, _, _ := strings.Cut(rest, " "); name != "uuid_setvar_multi" && name != "uuid_break" && name != "uuid_getvar" && name != "module_exists" {
							t.Errorf("ringside said %q", command)
						}
					default:
						t.Errorf("ringside said %q", command)
					}
				}
				done := make(chan struct{})
				go func() { defer close(done); f.run() }()
				<-done
				d.Stop(t.Context(), nil)
				if got := line.Variable("RINGSIDE_RESULT"); got == "done" {
					t.Errorf("a text has set RINGSIDE_RESULT=%s", got)
				}
			})
		})
	}
}

// What assignments writes, FreeSWITCH reads as it was meant.
func FuzzAssignments(f *testing.F) {
	for _, seed := range []string{"", "O'Neil", `a\b`, "a;b=c", "'", "''", `\'`, ";;", "a' ; b='", "Продажи", "^^,a", " a "} {
		f.Add(seed, "other")
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		vars := []ringside.Variable{{Name: "one", Value: one}, {Name: "two", Value: two}}
		text := assignments(vars)
		if !oneLine(text) {
			t.Fatalf("%q breaks the line", text)
		}
		parts := separated(text, ';')
		if len(parts) != 2 || !strings.HasPrefix(parts[0], "one=") || !strings.HasPrefix(parts[1], "two=") {
			t.Fatalf("%q is read as %q", text, parts)
		}
	})
}

// A wait that ends before FreeSWITCH has begun to play, or in that moment, ends all the same: FreeSWITCH
// throws away what it has not begun when it is told to stop what plays, and the caller would wait for ever.
func TestMusicThatIsStoppedBeforeItBegins(t *testing.T) {
	for after := range 45 {
		synctest.Test(t, func(t *testing.T) {
			d := newDoorway(t, ServerOptions{Deadline: time.Hour}, &board{serve: func(ctx context.Context, ch ringside.Channel) {
				wait, cancel := context.WithTimeout(ctx, time.Duration(after)*time.Millisecond)
				defer cancel()
				began := time.Now()
				if err := ch.Wait(wait, ""); err != nil || time.Since(began) > time.Second {
					t.Errorf("stopped after %d ms, it ended after %s: %v", after, time.Since(began), err)
				}
			}})
			line := channeltest.NewLine("call-1", nil)
			f := newDialplanSwitch(line, d.call(), true, true)
			f.tick = 20*time.Millisecond + time.Microsecond
			done := make(chan struct{})
			go func() { defer close(done); f.run() }()
			time.AfterFunc(time.Hour, line.Leave)
			d.Stop(t.Context(), nil)
			<-done
		})
	}
}

// A caller who presses keys with which FreeSWITCH ends what plays hears music again all the same.
func TestMusicThatACallerEndsGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoorway(t, ServerOptions{Deadline: time.Hour}, &board{serve: func(ctx context.Context, ch ringside.Channel) {
			wait, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			if err := ch.Wait(wait, ""); err != nil {
				t.Error(err)
			}
		}})
		line := channeltest.NewLine("call-1", nil)
		f := newDialplanSwitch(line, d.call(), true, true)
		done := make(chan struct{})
		go func() { defer close(done); f.run() }()
		time.Sleep(time.Second)
		for range 2 { // "*"
			f.api("uuid_break call-1")
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(time.Second)
		if line.Hearing() != "default" {
			t.Errorf("the caller hears %q", line.Hearing())
		}
		d.Stop(t.Context(), nil)
		<-done
	})
}

// An attempt that begins in the moment of the deadline, for the race detector: one of them has the call.
func TestDialAtTheDeadline(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			d := newDoorway(t, ServerOptions{Default: "100"}, &board{serve: func(ctx context.Context, ch ringside.Channel) {
				time.Sleep(50 * time.Millisecond)
				_, _ = ch.Dial(ctx, channeltest.Extensions("101"))
			}})
			line := channeltest.NewLine("call-1", map[string]*channeltest.Phone{"101": {Busy: true}})
			f := newDialplanSwitch(line, d.call(), true, true)
			done := make(chan struct{})
			go func() { defer close(done); f.run() }()
			d.Stop(t.Context(), nil)
			<-done
		})
	}
}

// A caller whom somebody has picked up, or transferred, is not ringside's any more: nothing is done to their
// talk.
func TestCallersWhoAreLedAway(t *testing.T) {
	for _, state := range []string{"2", "8"} { // CS_ROUTING, CS_HIBERNATE
		synctest.Test(t, func(t *testing.T) {
			d := newDoorway(t, ServerOptions{Deadline: time.Hour}, &board{serve: func(ctx context.Context, ch ringside.Channel) {
				if err := ch.Wait(ctx, ""); !errors.Is(err, ringside.ErrCallerGone) {
					t.Errorf("the wait ended with %v", err)
				}
				if err := ch.Hangup(ctx, ringside.CauseBusy); err == nil {
					t.Error("a talk was ended")
				}
			}})
			line := channeltest.NewLine("call-1", nil)
			f := newDialplanSwitch(line, d.call(), true, true)
			var said channeltest.Journal
			began := time.Now()
			f.heard = func(command string) {
				if time.Since(began) >= time.Second {
					_, _ = said.Write([]byte(command + "; "))
				}
			}
			done := make(chan struct{})
			go func() { defer close(done); f.run() }()
			time.Sleep(time.Second)
			f.mu.Lock()
			f.state = state
			f.mu.Unlock()
			f.api("uuid_break call-1")
			d.Stop(t.Context(), nil)
			<-done
			if said.String() != "api uuid_setvar_multi call-1 playback_timeout_sec=;playback_timeout_as_success=; exit; " {
				t.Errorf("ringside said %s", said.String())
			}
		})
	}
}

// A ringing call that somebody else picks up is answered by them, until the talk is over; ringside only listens.
func TestCallsThatArePickedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoorway(t, ServerOptions{Deadline: time.Hour}, &board{serve: func(ctx context.Context, ch ringside.Channel) {
			req := channeltest.Extensions("101", "102")
			var told []ringside.Party
			req.Progress = func(p ringside.Party) { told = append(told, p) }
			res, err := ch.Dial(ctx, req)
			want := ringside.DialResult{
				Status: ringside.DialAnswered, Answered: ringside.Target{Kind: ringside.ToExtension, Number: "105"},
				Talk: 5 * time.Second, Cause: ringside.CauseNormal,
			}
			if err != nil || res != want {
				t.Errorf("%+v, %v", res, err)
			}
			if !slices.Equal(told, []ringside.Party{{Number: "105", State: "answered"}}) {
				t.Errorf("told meanwhile: %v", told)
			}
			if err := ch.Hangup(ctx, ringside.CauseNormal); !errors.Is(err, ringside.ErrCallerGone) {
				t.Errorf("hanging up after it gave %v", err)
			}
		}})
		line := channeltest.NewLine("call-1", map[string]*channeltest.Phone{"101": {}, "102": {}})
		f := newDialplanSwitch(line, d.call(), true, true)
		f.picker = "105"
		done := make(chan struct{})
		go func() { defer close(done); f.run() }()
		time.Sleep(6 * time.Second)
		line.Leave()
		d.Stop(t.Context(), nil)
		<-done
	})
}

// A leg that does not bear its number, as that of a phone into which a loopback has turned, is told by what
// FreeSWITCH has called.
func TestWhoAnsweredWithoutTheLegsNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoorway(t, ServerOptions{Deadline: time.Hour}, &board{serve: func(ctx context.Context, ch ringside.Channel) {
			res, err := ch.Dial(ctx, channeltest.Extensions("101", "102"))
			if err != nil || res.Answered.Number != "102" {
				t.Errorf("%+v, %v", res, err)
			}
		}})
		line := channeltest.NewLine("call-1", map[string]*channeltest.Phone{"101": {}, "102": {Answers: time.Second, Talk: time.Second}})
		f := newDialplanSwitch(line, d.call(), true, true)
		f.bare = true
		done := make(chan struct{})
		go func() { defer close(done); f.run() }()
		d.Stop(t.Context(), nil)
		<-done
	})
}
