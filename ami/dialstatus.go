package ami

import "github.com/ringside-pbx/ringside"

// dialStatus translates DialStatus (apps/app_dial.c).
func dialStatus(s []byte) ringside.DialStatus {
	switch string(s) {
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
	case "CANCEL", "ABORT":
		return ringside.DialCancelled
	}
	return ringside.DialFailed
}
