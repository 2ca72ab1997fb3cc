package ami

import (
	"time"

	"github.com/ringside-pbx/ringside"
)

// said is what an event or an item of a list says of a queue. The texts are valid as long as the message.
type said struct {
	queue                                 []byte
	member, name, membership, reason      []byte
	channel, id, caller, callerName       []byte
	strategy, level                       []byte
	penalty, taken, lastCall, lastPause   int
	inCall, status, paused, wrapUp        int
	position, count, holdTime, talkTime   int
	wait, max, weight, completed, dropped int
	limit                                 int
}

// read takes what queues are about from a message, in one pass.
func (w *said) read(m Message) {
	*w = said{}
	for rest := m.raw; len(rest) > 0; {
		var name, value []byte
		name, value, rest = cut(rest)
		switch string(name) {
		case "Queue":
			w.queue = value
		case "Interface", "Location":
			w.member = value
		case "MemberName", "Name":
			w.name = value
		case "Membership":
			w.membership = value
		case "PausedReason":
			w.reason = value
		case "Channel":
			w.channel = value
		case "Uniqueid":
			w.id = value
		case "CallerIDNum":
			w.caller = value
		case "CallerIDName":
			w.callerName = value
		case "Strategy":
			w.strategy = value
		case "ServicelevelPerf":
			w.level = value
		case "Penalty":
			w.penalty = number(value)
		case "CallsTaken":
			w.taken = number(value)
		case "LastCall":
			w.lastCall = number(value)
		case "LastPause":
			w.lastPause = number(value)
		case "InCall":
			w.inCall = number(value)
		case "Status":
			w.status = number(value)
		case "Paused":
			w.paused = number(value)
		case "Wrapuptime":
			w.wrapUp = number(value)
		case "Position":
			w.position = number(value)
		case "Count":
			w.count = number(value)
		case "HoldTime", "Holdtime":
			w.holdTime = number(value)
		case "TalkTime":
			w.talkTime = number(value)
		case "Wait":
			w.wait = number(value)
		case "Max":
			w.max = number(value)
		case "Weight":
			w.weight = number(value)
		case "Completed":
			w.completed = number(value)
		case "Abandoned":
			w.dropped = number(value)
		case "ServiceLevel":
			w.limit = number(value)
		}
	}
}

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
