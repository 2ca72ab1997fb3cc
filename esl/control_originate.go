package esl

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
)

const (
	defaultRing = 30 * time.Second
	// outcomeGrace is how long after the ring time FreeSWITCH may take to say how an attempt ended.
	outcomeGrace = 5 * time.Second
)

// Originate implements ringside.CallControl. Early media are no answer: From is connected with To when From
// has picked up.
func (p *PBX) Originate(ctx context.Context, r ringside.OriginateRequest) (ringside.Originated, error) {
	if err := firstError(r.Validate(), checkVariables("variables", r.Variables...)); err != nil {
		return ringside.Originated{}, err
	}
	to, err := p.opt.Places.dialString(r.To)
	if err != nil {
		return ringside.Originated{}, err
	}
	shown, presents := r.CallerID, r.Presents
	if shown == "" {
		shown = r.To.Number
	}
	if presents == "" {
		presents = r.From.Number
	}
	name := r.CallerName
	if name == "" {
		name = shown
	}
	vars := append([]ringside.Variable{
		{Name: "origination_caller_id_number", Value: shown},
		{Name: "origination_caller_id_name", Value: name},
		// What the bridge shows to whom is called next; without them it would be their own number.
		{Name: "effective_caller_id_number", Value: presents},
		{Name: "effective_caller_id_name", Value: presents},
		{Name: "hangup_after_bridge", Value: "true"},
	}, r.Variables...)
	if tone := p.opt.Places.Ringback; tone != "" {
		vars = append(vars, ringside.Variable{Name: "transfer_ringback", Value: tone})
	}
	return p.call(ctx, r.From, "&bridge("+to+")", vars, r.Ring, r.Async)
}

// Spy implements ringside.CallControl. Keys of the listener, with which FreeSWITCH would let them change
// the mode, do nothing.
func (p *PBX) Spy(ctx context.Context, r ringside.SpyRequest) (ringside.Originated, error) {
	if err := firstError(r.Validate(), checkChannel("channel", r.Channel)); err != nil {
		return ringside.Originated{}, err
	}
	if err := p.exists(ctx, r.Channel); err != nil {
		return ringside.Originated{}, err
	}
	vars := []ringside.Variable{
		{Name: "origination_caller_id_number", Value: r.Listener.Number},
		{Name: "origination_caller_id_name", Value: "Spy"},
		{Name: "eavesdrop_enable_dtmf", Value: "false"},
	}
	// What is written to a channel is what it hears, what is read from it what its other side hears.
	if r.Mode != ringside.SpyListen {
		vars = append(vars, ringside.Variable{Name: "eavesdrop_whisper_bleg", Value: "true"})
	}
	if r.Mode == ringside.SpyBarge {
		vars = append(vars, ringside.Variable{Name: "eavesdrop_whisper_aleg", Value: "true"})
	}
	return p.call(ctx, r.Listener, "&eavesdrop("+r.Channel+")", vars, 0, false)
}

// call calls a target, which is then served by the application, and, unless async, waits until it has
// answered or the attempt has failed.
func (p *PBX) call(ctx context.Context, who ringside.Target, app string, vars []ringside.Variable, ring time.Duration, async bool) (ringside.Originated, error) {
	var none ringside.Originated
	s, err := p.live()
	if err != nil {
		return none, err
	}
	device, err := p.opt.Places.dialString(who)
	if err != nil {
		return none, err
	}
	if ring == 0 {
		ring = defaultRing
	}
	made := ringside.Originated{ID: newUUID()}
	seconds := max(1, int((ring+time.Second-1)/time.Second))
	vars = append([]ringside.Variable{
		{Name: "origination_uuid", Value: made.ID},
		{Name: "originate_timeout", Value: fmt.Sprint(seconds)},
		{Name: "ignore_early_media", Value: "true"},
	}, vars...)
	dial := settings(vars) + device
	within := time.Duration(seconds)*time.Second + outcomeGrace
	p.placed.add(made.ID)
	if async {
		forget, err := s.post(ctx, func(printed string) { p.outcome(made.ID, printed) }, "originate", dial, app)
		p.placed.settle(made.ID, time.Now().Add(within)) // it may have been placed, whatever the error
		if err == nil {
			time.AfterFunc(within, forget) // should FreeSWITCH never tell
		}
		return made, err
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	printed, err := s.raw(ctx, "originate", dial, app)
	if err != nil {
		p.placed.settle(made.ID, time.Now().Add(within))
		return made, err // it may have been placed: the id tells
	}
	return p.reached(made, printed)
}

// outcome notes how calling a target went.
func (p *PBX) outcome(id, printed string) {
	if strings.HasPrefix(printed, "+OK") {
		p.placed.settle(id, time.Now())
	} else {
		p.placed.remove(id)
	}
}

// reached reads the outcome of originate: "+OK uuid", or "-ERR" and the cause.
func (p *PBX) reached(made ringside.Originated, printed string) (ringside.Originated, error) {
	p.outcome(made.ID, printed)
	if strings.HasPrefix(printed, "+OK") {
		made.Channel, made.Status = made.ID, ringside.DialAnswered
		return made, nil
	}
	cause, failed := strings.CutPrefix(printed, "-ERR ")
	if cause = strings.TrimSpace(cause); failed && isCause(cause) {
		made.Status = dispositionStatus(cause)
		return made, nil
	}
	if err := problem("originate", printed); err != nil {
		return made, err
	}
	return made, fmt.Errorf("%w: originate: FreeSWITCH says %.100q", ringside.ErrRefused, printable(printed))
}

// isCause reports whether a text is a cause's name, such as USER_BUSY.
func isCause(s string) bool {
	return s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") == ""
}
