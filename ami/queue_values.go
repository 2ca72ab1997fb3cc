package ami

import (
	"time"

	"github.com/ringside-pbx/ringside"
)

// memberState names Asterisk's numbers of device states.
func memberState(status int) ringside.DeviceState {
	switch status {
	case 1:
		return ringside.DeviceIdle
	case 2:
		return ringside.DeviceInUse
	case 3:
		return ringside.DeviceBusy
	case 4:
		return ringside.DeviceInvalid
	case 5:
		return ringside.DeviceUnavailable
	case 6:
		return ringside.DeviceRinging
	case 7:
		return ringside.DeviceRingInUse
	case 8:
		return ringside.DeviceOnHold
	}
	return ringside.DeviceUnknown
}

// set keeps a value, and allocates only if it is another one.
func set(kept *string, value []byte) {
	if string(value) != *kept {
		*kept = string(clip(value))
	}
}

func clip(b []byte) []byte { return b[:min(len(b), maxQueueText)] }

// unix reads whole seconds since 1970; 0 is never.
func unix(seconds int) time.Time {
	if seconds <= 0 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0)
}
