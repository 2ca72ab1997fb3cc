package ami

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
)

// greeted logs in at somebody who says what is given and then reads on.
func greeted(ctx context.Context, l Login, pieces ...string) (*Session, error) {
	ours, theirs := net.Pipe()
	go func() {
		for _, piece := range pieces {
			_, _ = io.WriteString(theirs, piece)
		}
		_, _ = io.Copy(io.Discard, theirs)
	}()
	return newSession(ctx, l.withDefaults(), ours, nil)
}

func TestWhatIsNoManagerInterface(t *testing.T) {
	for name, says := range map[string]string{
		"a web server": "HTTP/1.1 400 Bad Request\r\n\r\n", "SSH": "SSH-2.0-OpenSSH_9.2\r\n",
		"an endless line": strings.Repeat("x", 2000), "silence": "", "half a line": "Asterisk Call Man",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				began := time.Now()
				_, err := greeted(ctx, Login{}, says)
				if !errors.Is(err, ringside.ErrPBXAway) || time.Since(began) > 10*time.Second {
					t.Errorf("after %s: %v", time.Since(began), err)
				}
			})
		})
	}
}

func TestWaitingForAGreetingEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		time.AfterFunc(time.Second, cancel)
		began := time.Now()
		if _, err := greeted(ctx, Login{}); err == nil || time.Since(began) != time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}

func TestLogins(t *testing.T) {
	const accepted = "< Response: Success\n< Message: Authentication accepted"
	for _, tc := range []struct {
		name, script string
		login        Login
		auth         bool
	}{
		{"the secret itself", "> Action: Login\n> Username: ringside\n> Events: call,agent\n> Secret: secret\n" + accepted, Login{Plain: true, Events: "call,agent"}, false},
		{
			"an answer to a challenge",
			"> Action: Challenge\n> AuthType: MD5\n< Response: Success\n< Challenge: 845549057\n" +
				"> Action: Login\n> Username: ringside\n> AuthType: MD5\n> Key: " + "1087976030a3466b763fe461b2d75134" + "\n" + accepted,
			Login{},
			false,
		},
		{"a wrong secret", "> Action: Login\n> Username: ringside\n> Secret: secret\n< Response: Error\n< Message: Authentication failed", Login{Plain: true}, true},
		{"no challenges", "> Action: Challenge\n> AuthType: MD5\n< Response: Error\n< Message: Permission denied", Login{}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFakeManager(t)
			over := f.converse(tc.script)
			ours, theirs := net.Pipe()
			go f.serve(theirs)
			tc.login.Username, tc.login.Secret = "ringside", ringside.NewSecret("secret")
			s, err := newSession(t.Context(), tc.login.withDefaults(), ours, nil)
			var auth *AuthError
			if errors.As(err, &auth) != tc.auth || (err == nil) == tc.auth {
				t.Errorf("%v", err)
			}
			if err == nil {
				s.Close()
			}
			over()
		})
	}
}

func TestWhatComesRightBehindTheLoginCounts(t *testing.T) {
	f := newFakeManager(t)
	f.on("Login", func(Message) string {
		return "Response: Success\n\nEvent: FullyBooted\nPrivilege: system,all\nActionID: \n\nEvent: Reload\nPrivilege: system,all\nModule: x\nActionID: "
	})
	seen := make(chan string, 10)
	s := f.session(func(m Message) { seen <- m.Event() })
	if a, b := <-seen, <-seen; a != "FullyBooted" || b != "Reload" {
		t.Errorf("%s, %s", a, b)
	}
	<-s.Booted()
}
