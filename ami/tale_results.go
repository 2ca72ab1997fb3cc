package ami

import (
	"cmp"
	"strconv"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
	"github.com/ringside-pbx/ringside/internal/span"
)

// settleLeg completes a leg: its end, its result, and who answered.
func (t *teller) settleLeg(d *draft, begin, end time.Time) {
	// A row's times are cut to the second, and an event may come after the last channel's end.
	d.Start = span.Within(d.Start, begin, end)
	if d.End.IsZero() {
		d.End = end
	}
	if d.attempt != nil {
		t.settleAttempt(d, d.attempt)
	}
	span.Settle(&d.Leg, end)
}

func (t *teller) settleAttempt(d *draft, a *attempt) {
	result := a.result
	if result == "" {
		result = t.unsaid(d, a)
	}
	d.Result = string(result)
	if d.Kind != ringside.LegDial {
		d.Result = ringside.StayDone
		return
	}
	if result != ringside.DialAnswered {
		d.Answer = time.Time{}
		return
	}
	if d.Answer.IsZero() {
		d.Answer = d.Start
		if d.row != nil && d.row.answer.After(d.Start) {
			d.Answer = d.row.answer
		}
	}
	d.Answered = d.Targets[0]
	if a.dest != nil {
		// Somebody else may have picked it up.
		d.Answered = cmp.Or(t.number(dialplan.Device(a.dest.name)), d.Answered)
	}
	if d.row != nil && d.row.answered() {
		d.bill(d.row.billed)
	}
}

// unsaid is the result of an attempt whose end no event told of.
func (t *teller) unsaid(d *draft, a *attempt) ringside.DialStatus {
	switch {
	case !a.answer.IsZero():
		return ringside.DialAnswered
	case a.dest == nil:
		return byCause(a.caller.cause, ringside.DialFailed)
	case a.caller == nil && a.dest.rang && a.dest.up.IsZero() && !a.dest.lost && a.dest.cause != ringside.CauseBusy:
		return ringside.DialNoAnswer // Asterisk 16 says FAILED of a phone that rang until it was given up
	case d.row != nil && d.row.disposition != "":
		return d.row.result()
	case a.dest.lost:
		return ""
	case !a.dest.up.IsZero():
		d.Answer = a.dest.up
		return ringside.DialAnswered
	}
	return byCause(a.dest.cause, ringside.DialCancelled)
}

// byCause is the result that a cause stands for, as Dial sees it.
func byCause(cause ringside.HangupCause, other ringside.DialStatus) ringside.DialStatus {
	switch cause {
	case ringside.CauseBusy:
		return ringside.DialBusy
	case ringside.CauseNoUserResponse, ringside.CauseNoAnswer:
		return ringside.DialNoAnswer
	case ringside.CauseUnallocated, 3, ringside.CauseAbsent, ringside.CauseRejected, 27:
		return ringside.DialUnavailable
	case ringside.CauseCongestion, 38, 42:
		return ringside.DialCongested
	}
	return other
}

// cutOff is how far the times of events and of the row may be apart, in which the seconds billed are cut.
const cutOff = 250 * time.Millisecond

// bill makes the talk as long as the PBX bills it, where that is a matter of cutting to seconds. A longer
// difference is one of meaning: a row counts from when the caller's line was answered, which may be long
// before the dialled one was, and until the caller and who was dialled were parted.
func (d *draft) bill(seconds int) {
	talk, billed := d.End.Sub(d.Answer), time.Duration(seconds)*time.Second
	switch {
	case talk < billed && billed-talk <= cutOff:
		d.Answer = d.End.Add(-billed)
	case talk >= billed+time.Second && talk-billed-time.Second <= cutOff:
		d.Answer = d.End.Add(-billed - time.Second + time.Millisecond)
	}
}

// keys gives each leg the PBX's key: of its row, or of its own.
func (t *teller) keys() {
	counts := map[string]int{}
	for i := range t.legs {
		d := &t.legs[i]
		if d.row != nil {
			d.PBXKey = d.row.id + "/" + d.row.sequence
			continue
		}
		key := d.own + "/" + d.Kind
		counts[key]++
		d.PBXKey = key + strconv.Itoa(counts[key])
	}
}
