package dialstatus_test

import (
	"testing"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialstatus"
)

func TestOf(t *testing.T) {
	for word, want := range map[string]ringside.DialStatus{
		"ANSWER": ringside.DialAnswered, "BUSY": ringside.DialBusy, "NOANSWER": ringside.DialNoAnswer, "CHANUNAVAIL": ringside.DialUnavailable,
		"CONGESTION": ringside.DialCongested, "CANCEL": ringside.DialCancelled,
		"": ringside.DialFailed, "INVALIDARGS": ringside.DialFailed, "TORTURE": ringside.DialFailed, "answer": ringside.DialFailed,
	} {
		if got := dialstatus.Of(word); got != want {
			t.Errorf("%q is %s, want %s", word, got, want)
		}
	}
}

// The table is that of Asterisk's own Dial, and of the causes with which its channels were seen to end.
func TestOfCause(t *testing.T) {
	for cause, want := range map[ringside.HangupCause]ringside.DialStatus{
		0:   ringside.DialUnavailable, // no cause at all: 16, of an originated call that timed out
		1:   ringside.DialUnavailable, // 404
		3:   ringside.DialUnavailable, // no route to the destination
		16:  ringside.DialNoAnswer,    // it rang, and was hung up
		17:  ringside.DialBusy,        // 486, 600
		18:  ringside.DialUnavailable, // 408: the device does not respond
		19:  ringside.DialNoAnswer,    // 480
		20:  ringside.DialUnavailable, // not registered
		21:  ringside.DialUnavailable, // 603
		26:  ringside.DialUnavailable, // answered elsewhere
		27:  ringside.DialUnavailable,
		34:  ringside.DialCongested, // 503
		38:  ringside.DialUnavailable,
		42:  ringside.DialUnavailable,
		127: ringside.DialUnavailable,
		999: ringside.DialUnavailable,
	} {
		if got := dialstatus.OfCause(cause); got != want {
			t.Errorf("cause %d is %s, want %s", cause, got, want)
		}
	}
}
