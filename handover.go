package ringside

import "time"

// Handover is how a dialplan that carries out a decision itself keeps ringside informed.
type Handover struct {
	// Tracked: the dialplan reports the end of the call, so that the call is live and its target
	// busy until then.
	Tracked bool
	// Hold is how long the target counts as busy if the end is not reported; nil is the ring time
	// and a little more. Zero reserves nothing.
	Hold *time.Duration
}

// Facts are what a dialplan knows at the end of a call that it carried out itself.
type Facts struct {
	// Status is how the dialling ended; empty when nothing was dialled.
	Status DialStatus
	Cause  HangupCause
	// Talk is how long they talked.
	Talk time.Duration
	// Answered is the extension that answered, if it is known.
	Answered string
}
