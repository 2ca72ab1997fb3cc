package esl

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/ringside-pbx/ringside"
)

// Who listens hears what was asked for, and nothing is subscribed to that was not.
func TestListen(t *testing.T) {
	for _, tc := range []struct {
		w    Listening
		want string
	}{
		{Listening{}, "event plain CHANNEL_CREATE CHANNEL_PROGRESS CHANNEL_ANSWER CHANNEL_BRIDGE CHANNEL_UNBRIDGE CHANNEL_HANGUP_COMPLETE"},
		{Listening{Events: []string{"sofia::register", "channel_answer"}, Channel: chanA}, "filter Unique-ID " + chanA + ", event plain CHANNEL_ANSWER CUSTOM sofia::register"},
	} {
		f := newFakeSwitch(t)
		ctx, cancel := context.WithCancel(t.Context())
		var heard []string
		f.on("status", func(string) string { return "" })
		go func() {
			for {
				f.mu.Lock()
				n := len(f.asked)
				f.mu.Unlock()
				if n > strings.Count(tc.want, ",")+1 {
					break
				}
			}
			f.send(plainEvent("Event-Name: CHANNEL_ANSWER\nUnique-ID: "+chanA+"\nCaller-Caller-ID-Name: a%0Ab\n", ""))
		}()
		lost, err := Listen(ctx, f.login(), tc.w, func(e Event) error {
			for name, value := range e.Headers() {
				heard = append(heard, name+"="+value)
			}
			cancel()
			return nil
		})
		if got := strings.Join(heard, ", "); lost != 0 || err != nil || got != "Event-Name=CHANNEL_ANSWER, Unique-ID="+chanA+", Caller-Caller-ID-Name=a\nb" {
			t.Errorf("%q, %d lost, %v", got, lost, err)
		}
		if got := strings.Join(f.all()[1:], ", "); got != tc.want {
			t.Errorf("sent %s", got)
		}
	}
}

func TestListenToEverything(t *testing.T) {
	for _, w := range []Listening{{Events: []string{"all"}}, {Events: []string{"CUSTOM"}}, {Events: []string{"A\n\nexit"}}, {Channel: "all"}} {
		var invalid *ringside.InvalidError
		if _, err := Listen(t.Context(), Login{}, w, nil); !errors.As(err, &invalid) {
			t.Errorf("%+v: %v", w, err)
		}
	}
}

// Who listens and does not come along loses events; FreeSWITCH is read all the same.
func TestSlowListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSwitch(t)
		const many = listenBehind + 500
		sent := make(chan struct{})
		go func() {
			synctest.Wait()
			for range many {
				f.send(plainEvent("Event-Name: CHANNEL_ANSWER\n", ""))
			}
			close(sent)
		}()
		heard, enough := 0, errors.New("seen enough")
		lost, err := Listen(t.Context(), f.login(), Listening{}, func(Event) error {
			if <-sent; heard == 0 {
				synctest.Wait() // the last one has been read, too
			}
			if heard++; heard == listenBehind {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) || lost != many-listenBehind-1 {
			t.Errorf("heard %d, lost %d: %v", heard, lost, err)
		}
	})
}
