package ringside

import "time"

// Witnessed is a whole call as the PBX itself saw it, from its first channel's beginning to its last
// one's end, over transfers, queues and parking.
type Witnessed struct {
	PBX string
	// CallID is the PBX's id of the call, as in an Offer.
	CallID     string
	Channel    string // the first one
	Endpoint   string // of the first channel
	Caller     string
	CallerName string
	Called     string
	Start      time.Time
	Answer     time.Time // zero if nobody answered
	End        time.Time
	Status     Status
	Cause      HangupCause
	// Outside: a leg led to the outer world.
	Outside bool
	// Legs are in the order of their beginning. Each has the PBX's own key.
	Legs []Leg
	// Recording is the file that the PBX recorded the call to, if it told.
	Recording string
	// CRMID is what the dialplan gave in UserEvent(CRMCallData).
	CRMID string
}
