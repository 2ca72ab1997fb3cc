package ringside

import "time"

// CDR is the record of one leg of a finished call.
type CDR struct {
	CallID string `json:"session_id"`
	// Sequence counts the legs of a call from 1. Call id and sequence are unique.
	Sequence int    `json:"sequence"`
	Revision int    `json:"revision"`
	Schema   int    `json:"schema"`
	Node     string `json:"node,omitempty"`
	PBX      string `json:"pbx,omitempty"`

	Kind      string    `json:"kind"`
	Direction Direction `json:"direction"`
	Caller    string    `json:"caller_id"`
	Called    string    `json:"called_number"`
	Targets   []string  `json:"targets,omitempty"`
	Answered  string    `json:"answered,omitempty"`
	Group     int64     `json:"group,omitempty"`

	Start  time.Time `json:"start_time"`
	Answer time.Time `json:"answer_time,omitzero"`
	End    time.Time `json:"end_time,omitzero"`
	// Duration is the whole leg, BillSec the talk, both in whole seconds.
	Duration int         `json:"duration"`
	BillSec  int         `json:"billsec"`
	Result   string      `json:"result,omitempty"`
	Cause    HangupCause `json:"cause,omitempty"`
	// PBXKey is the leg's.
	PBXKey string `json:"pbx_key,omitempty"`
}

// CDRs gives the records of the call's legs in their order.
func (c *Call) CDRs() []CDR {
	cdrs := make([]CDR, len(c.Legs))
	for i, l := range c.Legs {
		r := CDR{
			CallID: c.ID, Sequence: i + 1, Revision: c.Revision, Schema: CallSchema, Node: c.Node, PBX: c.PBX,
			Kind: l.Kind, Direction: c.Direction, Caller: c.Caller, Called: c.Called,
			Targets: l.Targets, Answered: l.Answered, Group: l.Group,
			Start: l.Start, Answer: l.Answer, End: l.End, Result: l.Result, Cause: l.Cause, PBXKey: l.PBXKey,
		}
		end := l.End
		if end.IsZero() {
			end = c.End
		}
		r.Duration = wholeSeconds(l.Start, end)
		if !l.Answer.IsZero() {
			r.BillSec = wholeSeconds(l.Answer, end)
		}
		cdrs[i] = r
	}
	return cdrs
}

func wholeSeconds(from, to time.Time) int { return max(0, int(to.Sub(from)/time.Second)) }
