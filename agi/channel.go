package agi

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/calmlog"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// channel is ringside.Channel over an AGI session.
type channel struct {
	*session
	dial   dialplan.Dial
	offer  ringside.Offer
	answer string // the dialplan's context that reports an answer; empty if it has none
	log    *calmlog.Log
	// result is what the dialplan was told; empty until it was.
	result ringside.Result
}

var _ ringside.Channel = (*channel)(nil)

// Offer implements ringside.Channel.
func (c *channel) Offer() ringside.Offer { return c.offer }

// Answer implements ringside.Channel.
func (c *channel) Answer(ctx context.Context) error {
	_, err := c.command(ctx, replyWithin, "ANSWER")
	return err
}

// Tell implements ringside.Channel.
func (c *channel) Tell(ctx context.Context, id string, d *ringside.Decision) error {
	vars, err := c.dial.Variables(d, id)
	if err != nil {
		return err
	}
	return c.set(ctx, vars...)
}

// over is the cause with which the call has ended; nil while it goes on.
func (c *channel) over() error { return context.Cause(c.ctx) }

// gone is the cause if the caller has left.
func (c *channel) gone(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// Wait implements ringside.Channel: Asterisk plays the music while the connection is idle, and says
// HANGUP at once when the caller leaves.
func (c *channel) Wait(ctx context.Context, music string) error {
	if ctx.Err() != nil {
		return goneOnly(ctx)
	}
	if !dialplan.Word(music, 80) {
		music = "default"
	}
	// Without music, the caller waits in silence: better than not at all. ctx is about this wait
	// only, and may end before Asterisk answers: the answer is awaited all the same.
	if _, err := c.command(context.WithoutCancel(ctx), replyWithin, "SET MUSIC ON", music); err != nil && !errors.Is(err, ringside.ErrRefused) {
		return err
	}
	_ = c.conn.SetReadDeadline(time.Time{})
	release := c.interrupted(ctx, anyCause)
	err := c.wire.hungUp()
	release()
	if err != nil {
		return err
	}
	if err := goneOnly(ctx); err != nil {
		return err
	}
	// The caller is still there, and the music stops.
	_, err = c.command(context.WithoutCancel(ctx), replyWithin, "SET MUSIC OFF")
	if errors.Is(err, ringside.ErrRefused) {
		return nil
	}
	return err
}

// goneOnly is the cause with which ctx ended if the caller has left or is lost, and nil for all others.
func goneOnly(ctx context.Context) error {
	if cause := context.Cause(ctx); errors.Is(cause, ringside.ErrCallerGone) || errors.Is(cause, ringside.ErrConnectionLost) {
		return cause
	}
	return nil
}

// Voicemail implements ringside.Channel.
func (c *channel) Voicemail(ctx context.Context, mailbox string) error {
	box, err := c.dial.Mailbox(mailbox)
	if err != nil {
		return err
	}
	res, err := c.command(ctx, 0, "EXEC", "VoiceMail", quote(box+",u"))
	if err != nil {
		return err
	}
	if res.Result == -2 {
		return fmt.Errorf("%w: there is no application VoiceMail", ringside.ErrRefused)
	}
	// VMSTATUS is readable on a channel that has been hung up, too.
	status, err := c.value(context.WithoutCancel(ctx), "${VMSTATUS}")
	if err != nil {
		return err
	}
	switch {
	case status != "FAILED":
		return nil // most callers hang up after their message
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return fmt.Errorf("%w: the mailbox %s can't take a message", ringside.ErrRefused, box)
}

// Hangup implements ringside.Channel.
func (c *channel) Hangup(ctx context.Context, cause ringside.HangupCause) error {
	if err := c.tell(ctx, ringside.ResultDone); err != nil {
		return err
	}
	if err := c.gone(ctx); err != nil {
		return err
	}
	// The application keeps the cause, the command ends the channel.
	if _, err := c.command(ctx, replyWithin, "EXEC", "Hangup", strconv.Itoa(int(cause))); err != nil {
		return err
	}
	_, err := c.command(ctx, replyWithin, "HANGUP")
	if errors.Is(err, ringside.ErrRefused) || errors.Is(err, ringside.ErrCallerGone) {
		return nil // it was gone already, as it was meant to be
	}
	return err
}

// Release implements ringside.Channel.
func (c *channel) Release(ctx context.Context, result ringside.Result) error {
	return c.tell(ctx, result)
}

// tell sets RINGSIDE_RESULT, the last of the variables and the proof that the call was served.
func (c *channel) tell(ctx context.Context, result ringside.Result) error {
	err := c.set(ctx, ringside.Variable{Name: dialplan.VarResult, Value: string(result)})
	if err == nil {
		c.result = result
	}
	return err
}
