package ari

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// What ringside asks of the lines behind Stasis() in the dialplan: an application that ARI has not. The
// variables are read there; see `ringside dialplan asterisk --ari`.
const (
	variableTask = "RINGSIDE_TASK"
	variableText = "RINGSIDE_TEXT"

	taskVoicemail = "voicemail"
	taskSpeak     = "speak"

	// eventVoicemail is the event with which the dialplan's hangup handler tells what became of a message whose
	// caller has hung up.
	eventVoicemail = "RingsideVoicemail"
	variableMail   = "VMSTATUS"
	mailLeft       = "SUCCESS" // there is a message
	mailFailed     = "FAILED"
)

// mailStatus finds VMSTATUS in what a UserEvent tells.
func mailStatus(fields any) string {
	m, _ := fields.(map[string]any)
	status, _ := m[variableMail].(string)
	return status
}

// detour sends the caller to the lines behind Stasis(), which carry the task out and come back. If they do
// not know the task they serve the call themselves, and the caller does not come back. It lasts as long as
// that takes: nobody can tell the dialplan to come back earlier.
func (ch *channel) detour(task string, vars ...ringside.Variable) error {
	ctx := ch.ctx
	if err := ch.claimTurn(ctx); err != nil {
		return err
	}
	vars = append(vars, ringside.Variable{Name: variableTask, Value: task})
	if err := ch.vars.flush(ctx, ch, vars...); err != nil {
		return err
	}
	entered := 0
	ch.change(func() {
		ch.away, ch.mail = true, ""
		entered = ch.caller.entered
	})
	err := ch.depart(ctx)
	if err == nil {
		err = ch.await(ctx, func() bool { return ch.caller.entered > entered || ch.caller.gone })
	}
	gone := false
	ch.change(func() {
		ch.away, ch.until = false, time.Now().Add(firstLease)
		gone = ch.caller.over()
	})
	if gone {
		ch.cancel(ringside.ErrCallerGone)
		return context.Cause(ctx)
	}
	return err
}

// depart lets the caller leave Stasis.
func (ch *channel) depart(ctx context.Context) error {
	// Without this, Asterisk would not tell of the caller's end while they are away.
	err := ch.app.rest.do(ctx, http.MethodPost, []string{"applications", ch.app.opt.Name, "subscription"},
		params{"eventSource": "channel:" + ch.callerID()}, nil)
	if err == nil {
		err = ch.do(ctx, http.MethodPost, []string{"channels", ch.callerID(), "continue"}, nil)
	}
	return ch.outcome(ctx, err)
}

// Voicemail implements ringside.Channel.
func (ch *channel) Voicemail(ctx context.Context, mailbox string) error {
	box, err := ch.app.opt.Dial.Mailbox(mailbox)
	if err != nil {
		return err
	}
	if err := ch.silence(ctx); err != nil {
		return err
	}
	err = ch.detour(taskVoicemail, ringside.Variable{Name: dialplan.VarDialString, Value: box})
	mail := ""
	ch.look(func() { mail = ch.mail })
	switch {
	case errors.Is(err, ringside.ErrCallerGone) && mail != "" && mail != mailFailed:
		return nil // most callers hang up after their message
	case err != nil:
		return err
	case mail == mailFailed:
		return fmt.Errorf("%w: the mailbox %s can't take a message", ringside.ErrRefused, box)
	}
	return nil
}
