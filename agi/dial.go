package agi

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
	"github.com/ringside-pbx/ringside/internal/dialstatus"
)

// Dial implements ringside.Channel.
func (c *channel) Dial(ctx context.Context, req ringside.DialRequest) (ringside.DialResult, error) {
	failed := ringside.DialResult{Status: ringside.DialFailed}
	targets, dropped, err := c.dial.Strings(req.Targets)
	switch {
	case err != nil:
		return failed, err
	case targets == "":
		return failed, fmt.Errorf("%w: there is nobody to dial", ringside.ErrRefused)
	}
	if dropped > 0 {
		c.log.Warn("not all members fit in one dial string", "call", req.CallID, "left out", dropped)
	}
	if req.CallerName != "" {
		if err := c.set(ctx, ringside.Variable{Name: "CALLERID(name)", Value: dialplan.Cut(req.CallerName, 80)}); err != nil && !errors.Is(err, ringside.ErrRefused) {
			return failed, err
		}
	}
	// Asterisk dials for a caller who has left, too: a phone would ring for a moment.
	if err := c.gone(ctx); errors.Is(err, ringside.ErrCallerGone) {
		return ringside.DialResult{Status: ringside.DialCancelled}, err
	}
	ring := max(1, int(req.Ring/time.Second))
	res, err := c.command(ctx, 0, "EXEC", "Dial", quote(targets+","+strconv.Itoa(ring)+","+c.options(req)))
	if err != nil {
		return failed, err
	}
	if res.Result == -2 {
		return failed, fmt.Errorf("%w: there is no application Dial", ringside.ErrRefused)
	}
	return c.dialled(ctx, req)
}

// options are Dial's options: music in place of ringing where it is asked for and for a caller from a
// queue, and the report of an answer where the dialplan has a place for it.
func (c *channel) options(req ringside.DialRequest) string {
	o := c.dial.Options
	if music := dialplan.Word(req.Music, 80); music || req.Waiting {
		o += "m"
		if music {
			o += "(" + req.Music + ")"
		}
	}
	if c.answer != "" && dialplan.Word(req.CallID, ringside.MaxCallID) {
		o += "U(" + c.answer + "^" + req.CallID + ")"
	}
	return o
}

// outcome is what Dial leaves behind; none of it can hold a line break.
const outcome = "${DIALSTATUS}|${ANSWEREDTIME}|${HANGUPCAUSE}|${URIENCODE(${DIALEDPEERNAME})}"

// dialled reads how an attempt ended. It is read from a channel that has been hung up, too.
func (c *channel) dialled(ctx context.Context, req ringside.DialRequest) (ringside.DialResult, error) {
	text, err := c.value(context.WithoutCancel(ctx), outcome)
	if err != nil {
		return ringside.DialResult{Status: ringside.DialFailed}, err
	}
	res, peer := parseOutcome(text)
	if i := slices.IndexFunc(req.Targets, func(t ringside.Target) bool { return t.Number == peer }); i >= 0 {
		res.Answered = req.Targets[i]
	} else if len(req.Targets) == 1 && res.Status == ringside.DialAnswered {
		res.Answered = req.Targets[0]
	}
	return res, nil
}

// maxTalk is the longest talk that is believed, in seconds: a year.
const maxTalk = 366 * 24 * 3600

// parseOutcome reads the outcome's text; peer is the endpoint that answered.
func parseOutcome(text string) (res ringside.DialResult, peer string) {
	f := strings.SplitN(text, "|", 4)
	for len(f) < 4 {
		f = append(f, "")
	}
	talk, _ := strconv.Atoi(f[1])
	cause, _ := strconv.Atoi(f[2])
	res.Status = dialstatus.Of(f[0])
	res.Cause = ringside.HangupCause(cause)
	if res.Status == ringside.DialAnswered {
		res.Talk = time.Duration(min(max(0, talk), maxTalk)) * time.Second
		peer = dialplan.Endpoint(strings.ReplaceAll(f[3], "%2F", "/"))
	}
	return res, peer
}
