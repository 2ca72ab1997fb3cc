package ringside

import (
	"context"
	"time"
)

// Offer is a call that a PBX asks about: who called what.
type Offer struct {
	// PBX is the kind of exchange: "asterisk" or "freeswitch".
	PBX string
	// CallID is the PBX's own id of the whole call (LINKEDID, A-leg UUID): the same however often
	// the PBX asks about the call.
	CallID string
	// Channel is the caller's channel in the PBX's words, such as PJSIP/trunk-00000003.
	Channel string
	// Endpoint is the device or trunk that the channel belongs to, such as trunk or 101. Unlike the
	// caller's number it can't be chosen by a caller.
	Endpoint   string
	Caller     string // as received; empty when withheld
	CallerName string // chosen by the caller: never trusted
	Called     string
	// Context is the place in the PBX's dialplan that asked.
	Context string
	// At is when the PBX asked.
	At time.Time
}

// Handler serves calls. It returns when the call has ended or has been given back to the PBX; it
// never panics for what a Channel does.
type Handler interface {
	// ServeCall drives the call on ch to its end. ctx ends when the caller hangs up or the
	// connection to the PBX is lost; context.Cause(ctx) says which.
	ServeCall(ctx context.Context, ch Channel)
}
