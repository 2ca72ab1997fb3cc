// Package dialstatus translates how Asterisk says that a call to somebody has ended, for every front end that
// hears it. It owns no state and never fails.
package dialstatus

import "github.com/ringside-pbx/ringside"

// Of translates DIALSTATUS (apps/app_dial.c). A word that it does not know is a failure.
func Of(s string) ringside.DialStatus {
	switch s {
	case "ANSWER":
		return ringside.DialAnswered
	case "BUSY":
		return ringside.DialBusy
	case "NOANSWER":
		return ringside.DialNoAnswer
	case "CHANUNAVAIL":
		return ringside.DialUnavailable
	case "CONGESTION":
		return ringside.DialCongested
	case "CANCEL":
		return ringside.DialCancelled
	}
	return ringside.DialFailed
}

// OfCause tells how a call to somebody ended that was not answered, from the cause with which their channel
// ended, as Asterisk's own Dial does (handle_cause in apps/app_dial.c).
func OfCause(cause ringside.HangupCause) ringside.DialStatus {
	switch cause {
	case ringside.CauseBusy:
		return ringside.DialBusy
	case ringside.CauseCongestion:
		return ringside.DialCongested
	case ringside.CauseNoAnswer, ringside.CauseNormal:
		return ringside.DialNoAnswer
	}
	return ringside.DialUnavailable
}
