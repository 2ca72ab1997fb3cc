package ari

import (
	"context"
	"errors"
	"testing"
)

// When all calls are ended, the first to end gives back whom it held, and somebody who waits gets them in the
// same moment: nothing is asked any more for a caller whose call is ended, too.
func TestNothingIsAskedForCallsThatAreBeingEnded(t *testing.T) {
	stopping := errors.New("stopping")
	a, err := New(Options{URL: "http://127.0.0.1:1/ari", Username: "u", Dial: templates}, board(nil))
	if err != nil {
		t.Fatal(err)
	}
	first, second := &channel{call: a.newCall(a.ctx)}, &channel{call: a.newCall(a.ctx)}
	a.calls[first.call], a.calls[second.call] = struct{}{}, struct{}{}
	seen := make(chan error, 2)
	for _, pair := range [][2]*channel{{first, second}, {second, first}} {
		context.AfterFunc(pair[0].ctx, func() { seen <- pair[1].claimTurn(context.Background()) })
	}
	if n := a.end(stopping); n != 2 {
		t.Errorf("%d calls were ended", n)
	}
	for range 2 {
		if err := <-seen; !errors.Is(err, stopping) {
			t.Errorf("the other call goes on: %v", err)
		}
	}
}
