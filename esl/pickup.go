package esl

import (
	"cmp"
	"time"

	"github.com/ringside-pbx/ringside"
)

// pickedUp reports whether a bridge has ended because somebody else has picked the ringing call up (the
// application intercept).
func pickedUp(e event) bool {
	return led(e) && e.variable("originate_disposition") == "PICKED_OFF"
}

// elsewhere waits for the end of a talk with somebody who has picked the call up. It is an answer like any
// other, in the record; but the talk is not ringside's to act on, nor to record.
func (a *attempt) elsewhere(e event) ringside.DialResult {
	res := ringside.DialResult{Status: ringside.DialAnswered, Cause: ringside.CauseNormal}
	if number := a.picker(e); number != "" {
		res.Answered = ringside.Target{Kind: ringside.ToExtension, Number: number}
		if a.req.Progress != nil {
			a.req.Progress(ringside.Party{Number: number, State: string(ringside.DialAnswered)})
		}
	}
	began := time.Now()
	select {
	case <-a.left:
	case <-a.ended:
	case <-a.server.ctx.Done():
	}
	res.Talk = time.Since(began)
	return res
}

// picker is the number of who has picked the call up. A phone that has dialled a code for it is known by its
// account; one that was rung, to be put through, by whom FreeSWITCH has called.
func (a *attempt) picker(e event) string {
	leg, account := e.get("Other-Leg-Unique-ID"), "user_name"
	if e.get("Other-Leg-Direction") == "outbound" {
		account = "dialed_user"
	}
	number := cmp.Or(a.numberIn(a.server.ctx, leg, account), userOf(e.get("Other-Leg-Channel-Name")))
	if !ringside.Dialable(number) {
		return ""
	}
	return number
}
