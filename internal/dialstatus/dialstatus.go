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
