package ami

import (
	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialstatus"
)

// dialStatus translates an event's DialStatus, which has one word more than the variable.
func dialStatus(s []byte) ringside.DialStatus {
	if string(s) == "ABORT" {
		return ringside.DialCancelled
	}
	return dialstatus.Of(string(s))
}
