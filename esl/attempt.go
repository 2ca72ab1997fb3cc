package esl

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// attempt is one bridge that is under way.
type attempt struct {
	*channel
	req ringside.DialRequest
	run *run
	// answered is who has, since when, by our clock and by FreeSWITCH's; nobody has while since is zero.
	answered  ringside.Target
	since     time.Time
	stamp     time.Time
	recording string
}

// await waits for the end of the attempt.
func (a *attempt) await(ctx context.Context) (ringside.DialResult, error) {
	left := ctx.Done()
	var late <-chan time.Time
	for {
		select {
		case <-a.met:
			a.meet(ctx)
		case e := <-a.run.ended:
			a.meet(ctx)
			if a.since.IsZero() && pickedUp(e) {
				return a.elsewhere(e), nil
			}
			return a.outcome(ctx, &e)
		case <-left:
			if !errors.Is(context.Cause(ctx), ringside.ErrCallerGone) {
				return a.outcome(ctx, nil)
			}
			left = nil
			t := time.NewTimer(outcomeWithin)
			defer t.Stop()
			late = t.C
		case <-late:
			return a.outcome(ctx, nil)
		case <-a.ended:
			select { // it may have come with the end
			case e := <-a.run.ended:
				a.meet(ctx)
				if a.since.IsZero() && pickedUp(e) {
					return a.elsewhere(e), nil
				}
				return a.outcome(ctx, &e)
			default:
			}
			<-a.ctx.Done()
			return a.outcome(a.ctx, nil)
		}
	}
}

// meet notes who has answered, and begins to record the talk if it is to be.
func (a *attempt) meet(ctx context.Context) {
	e, at := a.meets()
	if e == nil || !a.since.IsZero() {
		return
	}
	a.since, a.stamp = at, e.at()
	a.answered = a.who(ctx, e)
	// In sync mode, this is told after the talk: it would count from now.
	if a.req.Progress != nil && a.answered.Number != "" && a.async {
		a.req.Progress(ringside.Party{Number: a.answered.Number, State: string(ringside.DialAnswered)})
	}
	if slices.Contains(a.req.Recorded, a.answered.Number) {
		a.record(ctx)
	}
}

// who is the target whose leg the caller was connected with. FreeSWITCH tells of the leg what it was called
// as, which a phone's registration may have changed: the leg's own variable is asked first.
func (a *attempt) who(ctx context.Context, e *event) ringside.Target {
	if len(a.req.Targets) == 1 {
		return a.req.Targets[0]
	}
	called := []string{e.get("Other-Leg-Callee-ID-Number"), e.get("Other-Leg-Destination-Number"), userOf(e.get("Other-Leg-Channel-Name"))}
	if number := a.legNumber(ctx, e.get("Other-Leg-Unique-ID")); number != "" {
		called = []string{number}
	}
	for _, number := range called {
		if i := slices.IndexFunc(a.req.Targets, func(t ringside.Target) bool { return t.Number == number }); i >= 0 {
			return a.req.Targets[i]
		}
	}
	return ringside.Target{}
}

// legNumber asks a leg what it was called for.
func (a *attempt) legNumber(ctx context.Context, leg string) string {
	return a.numberIn(ctx, leg, legVariable)
}

// numberIn asks a leg for a variable that bears a number.
func (a *attempt) numberIn(ctx context.Context, leg, variable string) string {
	if !a.interrupts() || !channelID(leg) {
		return ""
	}
	cmd, err := apiCommand("uuid_getvar", leg, variable)
	if err != nil {
		return ""
	}
	f, err := a.ask(ctx, cmd)
	number := f.outcome()
	if err != nil || number == "_undef_" || !ringside.Dialable(number) { // it was not called by this attempt, but led into it
		return ""
	}
	return number
}

// userOf is the user of a channel's name, such as 8000 of sofia/internal/8000@127.0.0.1:5090.
func userOf(channel string) string {
	user, _, _ := strings.Cut(channel[strings.LastIndexByte(channel, '/')+1:], "@")
	return strings.TrimPrefix(user, "sip:")
}

// record begins to record the talk.
func (a *attempt) record(ctx context.Context) {
	folder := a.server.opt.Site.Recordings
	if folder == "" || !a.interrupts() {
		return
	}
	file := folder + "/" + dialplan.FileName(a.req.CallID+"-"+a.answered.Number+"-"+a.since.UTC().Format("20060102-150405")) + ".wav"
	if err := a.recorder(ctx, "start", file); err != nil {
		a.server.log.Warn("a talk could not be recorded", "call", a.req.CallID, "file", file, "error", err)
		return
	}
	a.recording = file
}

func (a *attempt) recorder(ctx context.Context, verb, file string) error {
	cmd, err := apiCommand("uuid_record", a.id, verb, file)
	if err != nil {
		return err
	}
	_, err = a.ask(ctx, cmd)
	return err
}

// outcome is how the attempt went. e is the event of the bridge's end; nil if it was not told.
func (a *attempt) outcome(ctx context.Context, e *event) (ringside.DialResult, error) {
	res := ringside.DialResult{Status: ringside.DialFailed, Recording: a.recording}
	cause := context.Cause(ctx)
	gone := errors.Is(cause, ringside.ErrCallerGone)
	if !a.since.IsZero() {
		res.Status, res.Answered, res.Talk, res.Cause = ringside.DialAnswered, a.answered, time.Since(a.since), ringside.CauseNormal
		if e != nil {
			// In sync mode, FreeSWITCH tells of the answer when the talk is over.
			if end := e.at(); !end.IsZero() && !a.stamp.IsZero() {
				res.Talk = max(0, end.Sub(a.stamp))
			}
			if c := causeOf(e.variable("bridge_hangup_cause")); c != ringside.CauseUnknown {
				res.Cause = c
			}
		}
		if a.recording != "" && cause == nil {
			if err := a.recorder(ctx, "stop", a.recording); err != nil {
				a.server.log.Warn("a recording could not be ended", "file", a.recording, "error", err)
			}
		}
		if gone {
			return res, nil
		}
		return res, cause
	}
	switch {
	case gone:
		res.Status = ringside.DialCancelled
		return res, cause
	case cause != nil || e == nil:
		return res, cause
	}
	disposition := e.variable("originate_disposition")
	res.Status, res.Cause = dispositionStatus(disposition), causeOf(disposition)
	if res.Status == ringside.DialAnswered { // and nobody was met: both left in the same moment
		res.Status = ringside.DialCancelled
	}
	return res, nil
}
