package ari

import (
	"time"

	"github.com/ringside-pbx/ringside"
)

// tale is what a call that ringside has placed came to, for its record.
type tale struct{ ringside.Witnessed }

func newTale(o ringside.Offer, r ringside.OriginateRequest) tale {
	return tale{ringside.Witnessed{
		PBX: o.PBX, CallID: o.CallID, Endpoint: r.From.Number, Caller: o.Caller, Called: o.Called, Start: o.At,
		Outside: r.From.Kind == ringside.ToExternal || r.To.Kind == ringside.ToExternal,
		Status:  ringside.StatusFailed, Cause: ringside.CauseNormal,
	}}
}

// status notes how calling the first one ended; without an answer the second one is never called.
func (t *tale) status(s ringside.DialStatus) {
	switch s {
	case ringside.DialBusy:
		t.Status = ringside.StatusBusy
	case ringside.DialNoAnswer, ringside.DialAnswered:
		t.Status = ringside.StatusNoAnswer
	}
}

// dialled notes how calling the second one ended.
func (t *tale) dialled(to ringside.Target, began time.Time, res ringside.DialResult) {
	now := time.Now()
	l := ringside.Leg{
		Kind: "dial", Targets: []string{to.Number}, Start: began, End: now, Result: string(res.Status), Cause: res.Cause,
		PBXKey: t.CallID + "/1",
	}
	t.Cause = res.Cause
	switch res.Status {
	case ringside.DialAnswered:
		l.Answered, l.Answer = to.Number, now.Add(-res.Talk)
		t.Status, t.Answer, t.Recording = ringside.StatusAnswered, l.Answer, res.Recording
	case ringside.DialBusy:
		t.Status = ringside.StatusBusy
	case ringside.DialUnavailable, ringside.DialCongested, ringside.DialFailed:
		t.Status = ringside.StatusFailed
	case ringside.DialCancelled:
		t.Status = ringside.StatusAbandoned
	}
	t.Legs = append(t.Legs, l)
}

// witness tells of the call that has ended.
func (p *placed) witness() {
	tell := p.app.opt.Witness
	if tell == nil {
		return
	}
	p.tale.End = time.Now()
	p.look(func() { p.tale.Channel = p.from.name })
	tell(p.app.ctx, p.tale.Witnessed)
}
