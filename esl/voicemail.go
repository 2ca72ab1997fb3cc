package esl

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

const (
	// messageLength is the variable that mod_voicemail sets when a message was left.
	messageLength = "voicemail_message_len"
	// deliveryWithin is how long after the caller's leaving mod_voicemail may take to deliver the message.
	deliveryWithin = 10 * time.Second
)

// Voicemail implements ringside.Channel.
func (ch *channel) Voicemail(ctx context.Context, mailbox string) error {
	box, err := ch.server.opt.Site.Dial.Mailbox(mailbox)
	if err != nil {
		return err
	}
	if err := ch.hasVoicemail(ctx); err != nil {
		return err
	}
	if err := ch.Answer(ctx); err != nil { // mod_voicemail does not
		return err
	}
	// What the dialplan does after the message if ringside dies meanwhile, it does by this variable.
	r, err := ch.start(ctx, "voicemail", strings.Replace(ch.server.opt.Site.Voicemail, dialplan.Placeholder, box, 1), ringside.Variable{Name: messageLength})
	if err != nil {
		return err
	}
	e, ended := ch.outlives(ctx, r, deliveryWithin)
	switch {
	case ended && e.variable(messageLength) != "":
		return nil // most callers hang up after their message
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case !ended:
		return ch.over()
	}
	return fmt.Errorf("%w: no message was left in the mailbox %s", ringside.ErrRefused, box)
}

// outlives waits for an application's end. That is told also after the caller has left: it is awaited for a
// while then. ended is false if it was not told.
func (ch *channel) outlives(ctx context.Context, r *run, within time.Duration) (e event, ended bool) {
	left := ctx.Done()
	var late <-chan time.Time
	for {
		select {
		case e := <-r.ended:
			return e, true
		case <-left:
			if !errors.Is(context.Cause(ctx), ringside.ErrCallerGone) {
				return event{}, false
			}
			left = nil
			t := time.NewTimer(within)
			defer t.Stop()
			late = t.C
		case <-late:
			return event{}, false
		case <-ch.ended:
			select { // it may have come with the end
			case e := <-r.ended:
				return e, true
			default:
				return event{}, false
			}
		}
	}
}

// hasVoicemail asks, until it knows, whether mod_voicemail is there: FreeSWITCH hangs up a caller for whom an
// application is asked that it does not have.
func (ch *channel) hasVoicemail(ctx context.Context) error {
	if !ch.full || ch.server.voicemail.Load() {
		return nil
	}
	if err := ch.mayAct(ctx); err != nil {
		return err
	}
	cmd, err := apiCommand("module_exists", "mod_voicemail")
	if err != nil {
		return err
	}
	qs, err := ch.send(cmd)
	if err != nil {
		return ch.over()
	}
	f, err := ch.await(ctx, qs[0], replyWithin)
	if err != nil {
		return err
	}
	if strings.TrimSpace(f.outcome()) == "false" {
		return fmt.Errorf("%w: FreeSWITCH has not loaded mod_voicemail", ringside.ErrRefused)
	}
	ch.server.voicemail.Store(true)
	return nil
}
