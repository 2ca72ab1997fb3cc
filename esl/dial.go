package esl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

const (
	// legVariable bears the number that a leg was called for.
	legVariable = "ringside_leg"
	// outcomeWithin is how long after the caller's leaving FreeSWITCH may take to tell how the attempt went.
	outcomeWithin = 5 * time.Second
	maxTargets    = 64
)

// Dial implements ringside.Channel, with one bridge: FreeSWITCH rings all, and stops the others when the
// first answers.
func (ch *channel) Dial(ctx context.Context, req ringside.DialRequest) (ringside.DialResult, error) {
	failed := ringside.DialResult{Status: ringside.DialFailed}
	legs, err := ch.legs(req)
	if err != nil {
		return failed, err
	}
	var r *run
	if err = ch.mayAct(ctx); err == nil { // first: the deadline, too, looks at what an attempt changes
		ch.meets() // whom they met before
		r, err = ch.start(ctx, "bridge", options(req)+legs, ch.attemptVariables(req)...)
	}
	switch {
	case errors.Is(err, ringside.ErrCallerGone):
		return ringside.DialResult{Status: ringside.DialCancelled}, err
	case err != nil:
		return failed, err
	}
	return (&attempt{channel: ch, req: req, run: r}).await(ctx)
}

// legs are the dial strings, each with the number that it is for. One that can't be dialled refuses all.
func (ch *channel) legs(req ringside.DialRequest) (string, error) {
	var legs []string
	for _, t := range req.Targets {
		dial, err := ch.server.opt.Site.Dial.String(t)
		if err != nil {
			return "", err
		}
		legs = append(legs, "["+legVariable+"="+t.Number+"]"+dial)
	}
	if len(legs) == 0 {
		return "", fmt.Errorf("%w: there is nobody to dial", ringside.ErrRefused)
	}
	if len(legs) > maxTargets {
		ch.server.log.Warn("not all members are rung at once", "call", req.CallID, "left out", len(legs)-maxTargets)
		legs = legs[:maxTargets]
	}
	return strings.Join(legs, ","), nil
}

// options are about the attempt as a whole. Sound that comes before the answer never counts as the answer, as
// FreeSWITCH would have it; that of a single outside number is heard, in which carriers say why it can't be
// reached.
func options(req ringside.DialRequest) string {
	ring := strconv.Itoa(seconds(req.Ring))
	o := "{originate_timeout=" + ring + ",leg_timeout=" + ring
	switch {
	case musical(req):
		o += ",ignore_early_media=true,instant_ringback=true"
	case carried(req):
		o += ",bridge_early_media=true"
	case len(req.Targets) > 1:
		o += ",ignore_early_media=true"
	default:
		o += ",ignore_early_media=ring_ready"
	}
	return o + "}"
}

// carried reports whether the caller hears what a carrier sends.
func carried(req ringside.DialRequest) bool {
	return !musical(req) && len(req.Targets) == 1 && req.Targets[0].Kind == ringside.ToExternal
}

func musical(req ringside.DialRequest) bool { return req.Waiting || dialplan.Word(req.Music, maxMusic) }

func seconds(d time.Duration) int { return max(1, int((d+time.Second/2)/time.Second)) }

// attemptVariables are those that FreeSWITCH reads from the caller's channel. A call goes on after a failed
// attempt and after a talk: what becomes of it then is ringside's to say.
func (ch *channel) attemptVariables(req ringside.DialRequest) []ringside.Variable {
	var vars []ringside.Variable
	set := func(name, value string) {
		vars = append(vars, ringside.Variable{Name: name, Value: value})
		if !slices.Contains(ch.changed, name) {
			ch.changed = append(ch.changed, name)
		}
	}
	set("continue_on_fail", "true")
	set("hangup_after_bridge", "false")
	set("call_timeout", strconv.Itoa(seconds(req.Ring)))
	if musical(req) {
		set("ringback", ch.music(req.Music))
		set("transfer_ringback", ch.music(req.Music))
	} else {
		own := ch.data.variable("transfer_ringback")
		if own == "" && !carried(req) {
			own = ch.server.opt.Site.Ringback
		}
		set("ringback", ch.data.variable("ringback"))
		set("transfer_ringback", own)
	}
	if req.CallerName != "" {
		vars = append(vars, ringside.Variable{Name: callerName, Value: dialplan.Cut(req.CallerName, maxName)})
	}
	return vars
}

const maxName = 80

// meets takes the event with which the caller was connected last; nil if they were not since it was taken.
func (ch *channel) meets() (e *event, at time.Time) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	e, at, ch.bridged = ch.bridged, ch.bridgedAt, nil
	return e, at
}
