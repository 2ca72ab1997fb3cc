package esl

import (
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
)

// What FreeSWITCH says is the same in whatever pieces it comes.
func TestRecordedFramesInPieces(t *testing.T) {
	for _, name := range []string{
		"i01_auth_ok_api", "i02_auth_wrong", "i03_auth_timeout", "i04_userauth", "i05_bgapi", "i07_event_commands", "i09_myevents_uuid",
		"i11_heartbeat", "i12_half_close", "i13_pipelining_and_line_ends", "s08_callcenter_events", "s09_acl_rejection", "s10_sofia_register_events",
	} {
		parts := tape(t, name)
		who := ""
		for _, p := range parts {
			if p.from {
				who = p.who
				break
			}
		}
		text := spoken(parts, who)
		whole, err := framesOf(text, len(text))
		if len(whole) == 0 || err.Error() != "EOF" {
			t.Errorf("%s: %d frames, %v", name, len(whole), err)
		}
		for _, size := range []int{1, 2, 3, 7, 1448} {
			again, err := framesOf(text, size)
			if len(again) != len(whole) || err.Error() != "EOF" {
				t.Errorf("%s in pieces of %d: %d frames, want %d: %v", name, size, len(again), len(whole), err)
				continue
			}
			for i := range again {
				if string(again[i].head) != string(whole[i].head) || string(again[i].body) != string(whole[i].body) {
					t.Errorf("%s in pieces of %d: frame %d is %q", name, size, i, again[i].head)
				}
			}
		}
	}
}

// A recorded conversation goes as it was recorded: each command has its own reply, in whatever pieces it comes.
func TestRecordedConversations(t *testing.T) {
	for _, tc := range []struct {
		name   string
		events int
		last   []string // the replies' texts, the last ones
	}{
		{"i01_auth_ok_api", 0, []string{"e37c5098-58fb-452d-ab6a-16549273f727", "-ERR command not found", "-ERR not listening for events", "-ERR command not found", "-ERR not controlling a session", "-ERR invalid session id []", "+OK bye"}},
		{"i05_bgapi", 0, nil},
		{"i07_event_commands", 0, nil},
		{"i12_half_close", 0, nil},
	} {
		for _, size := range []int{1, 13, 1 << 20} {
			t.Run(tc.name, func(t *testing.T) {
				parts := tape(t, tc.name)
				ours, theirs := net.Pipe()
				over := play(theirs, parts, size)
				replies := make(chan string, 100)
				heard := make(chan frame, 1000)
				c := newConn(ours, newFramer(ours), func(f frame) { heard <- f })
				ended := make(chan struct{})
				go func() { c.read(); close(ended) }()
				for _, p := range parts {
					if p.from {
						continue
					}
					f, err := c.ask(t.Context(), wireCommand(p.text))
					if err != nil && !errors.Is(err, ringside.ErrRefused) {
						t.Fatalf("%q: %v", p.text, err)
					}
					replies <- f.outcome()
				}
				if err := <-over; err != nil {
					t.Fatal(err)
				}
				<-ended
				close(replies)
				close(heard)
				var all []string
				for r := range replies {
					all = append(all, r)
				}
				if tc.last != nil {
					if got := strings.Join(all[len(all)-len(tc.last):], "\n"); got != strings.Join(tc.last, "\n") {
						t.Errorf("got %s", got)
					}
				}
				if f := <-heard; f.kind() != typeAuth {
					t.Errorf("it begins with %q", f.kind())
				}
			})
		}
	}
}

// connectTo logs in where somebody plays FreeSWITCH's side.
func connectTo(t *testing.T, say func(net.Conn)) (*session, error) {
	t.Helper()
	ours, theirs := net.Pipe()
	go say(theirs)
	l := Login{Password: ringside.NewSecret("wrong"), Timeout: 10 * time.Second}
	l.open = opened(ours)
	s, err := connect(t.Context(), l, func(event) {})
	if err == nil {
		t.Cleanup(s.close)
	}
	return s, err
}

func playing(parts []tapePart, size int) func(net.Conn) {
	return func(c net.Conn) { <-play(c, parts, size) }
}

func sayingOnly(text string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = c.Write([]byte(text))
		_, _ = c.Read(make([]byte, 1)) // until the other side gives up
		_ = c.Close()
	}
}

// of is what one of several connections was recorded with.
func of(parts []tapePart, who string) (some []tapePart) {
	for _, p := range parts {
		if p.who == who {
			some = append(some, p)
		}
	}
	return some
}

// asSent is a recording with our line ends: the other client's commands ended with LF alone.
func asSent(parts []tapePart) []tapePart {
	for i := range parts {
		if !parts[i].from {
			parts[i].text = strings.ReplaceAll(parts[i].text, "\n", "\r\n")
		}
	}
	return parts
}

// Whatever is wrong is told apart, with the line to change.
func TestWhyThereIsNoConnection(t *testing.T) {
	denial := strings.ReplaceAll(spoken(tape(t, "s09_acl_rejection"), "CLI"), "\r", "")
	for _, tc := range []struct {
		name string
		say  func(net.Conn)
		want string
		line string
	}{
		{"wrong password", playing(asSent(of(tape(t, "i02_auth_wrong"), "CLI1")), 5), "the password is wrong", `<param name="password"`},
		{"an address that is not let in", sayingOnly(denial), "does not let this machine's address in", `<param name="apply-inbound-acl"`},
		{"mute", sayingOnly(""), "has said nothing for 10s", ""},
		{"a connection that is closed", func(c net.Conn) { _ = c.Close() }, "the connection ended before it said anything", ""},
		{"a mail server", sayingOnly("220 mail.example.com ESMTP\r\n"), `it is no event socket: it says "220 mail.example.com ESMTP"`, ""},
		{"Asterisk", sayingOnly("Asterisk Call Manager/11.0.0\r\n"), `it says "Asterisk Call Manager/11.0.0"`, ""},
		{"a web server", sayingOnly("HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n"), "it is no event socket", ""},
		{"a body without end", sayingOnly("Content-Type: auth/request\nContent-Length: 99999999999999999999\n\n"), "it is no event socket", ""},
		{"a body of less than nothing", sayingOnly("Content-Type: auth/request\nContent-Length: -1\n\n"), "it is no event socket", ""},
		{"an endless header", func(c net.Conn) {
			line := []byte(strings.Repeat("x", 1000) + "\n")
			for {
				if _, err := c.Write(line); err != nil {
					return
				}
			}
		}, "it is no event socket", ""},
		{"one that never answers the password", func(c net.Conn) {
			_, _ = c.Write([]byte(greeting))
			for {
				if _, err := c.Read(make([]byte, 100)); err != nil {
					return
				}
			}
		}, "FreeSWITCH does not answer", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				_, err := connectTo(t, tc.say)
				var e *ConnectError
				if !errors.As(err, &e) || !errors.Is(err, ringside.ErrPBXAway) || !strings.Contains(err.Error(), tc.want) {
					t.Fatalf("%v", err)
				}
				if tc.line == "" && len(e.Lines) > 0 || tc.line != "" && !strings.Contains(strings.Join(e.Lines, " "), tc.line) {
					t.Errorf("lines %q", e.Lines)
				}
				if took := time.Since(began); took > 10*time.Second {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	_, err = connect(t.Context(), Login{Address: address, Password: ringside.NewSecret("secret")}, func(event) {})
	var e *ConnectError
	if !errors.As(err, &e) || !strings.Contains(e.Reason, "nobody listens there") || len(e.Lines) != 2 {
		t.Errorf("%v", err)
	}
}

// A user's rights are learned with the login.
func TestUserLogsIn(t *testing.T) {
	parts := tape(t, "i04_userauth")
	login := asSent(of(parts, "CLI")[:3])
	ours, theirs := net.Pipe()
	over := play(theirs, login, 1)
	l := Login{User: "1000@127.0.0.1", Password: ringside.NewSecret("eslpw")}
	l.open = opened(ours)
	s, err := connect(t.Context(), l, func(event) {})
	if err != nil {
		t.Fatal(err, <-over)
	}
	s.close()
	if got := strings.Join(s.mayRun, " "); got != "status show bgapi uuid_dump" || s.cut {
		t.Errorf("may run %s", got)
	}
}
