package ari

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// channel is ringside.Channel over one caller in Stasis.
type channel struct {
	*call
	id    string // with which the caller came; a transfer may put another channel in its place
	offer ringside.Offer
	vars  variables
	// shows is the number that who is called sees, where it is not the caller's own; empty for that.
	shows string
	// leased: the dialplan has an extension T; see lease.go.
	leased bool
	// music is the class that the caller hears; empty is none.
	music string

	// spoken: something has been asked of Asterisk; late: the deadline passed before; done: the caller
	// has been hung up or given back; talking: somebody has answered. Under the call's lock.
	spoken, late, done, talking bool
	// until is the end of the lease. Under the call's lock.
	until time.Time
}

var _ ringside.Channel = (*channel)(nil)

// callerID is the id of the caller's present channel.
func (ch *channel) callerID() (id string) {
	ch.look(func() { id = ch.caller.id })
	return id
}

// claimTurn makes the deadline of the decision pass without effect from now on; it is an error if it has
// passed.
func (ch *channel) claimTurn(ctx context.Context) error {
	late, doom := false, error(nil)
	ch.look(func() { late, ch.spoken, doom = ch.late, true, ch.doom })
	switch {
	case late:
		return errLate
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return doom
}

// ask makes a request about the caller's channel. The errors are those of ringside.Channel.
func (ch *channel) ask(ctx context.Context, method string, p params, action ...string) error {
	if err := ch.claimTurn(ctx); err != nil {
		return err
	}
	return ch.outcome(ctx, ch.do(ctx, method, append([]string{"channels", ch.callerID()}, action...), p))
}

// outcome puts an error in the words of ringside.Channel: a channel that is not there any more is a caller
// who has left.
func (ch *channel) outcome(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case left(err):
		return fmt.Errorf("%w: %w", ringside.ErrCallerGone, err)
	case errors.Is(err, ringside.ErrPBXAway), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %w", ringside.ErrConnectionLost, err)
	case errors.Is(err, ringside.ErrNotPermitted):
		return fmt.Errorf("%w: %w", ringside.ErrRefused, err)
	}
	return err
}

// Offer implements ringside.Channel.
func (ch *channel) Offer() ringside.Offer { return ch.offer }

// Answer implements ringside.Channel.
func (ch *channel) Answer(ctx context.Context) error {
	up := false
	ch.look(func() { up = ch.caller.up })
	if up {
		return ch.claimTurn(ctx)
	}
	if err := ch.ask(ctx, http.MethodPost, nil, "answer"); err != nil {
		return err
	}
	ch.change(func() { ch.caller.up = true })
	return nil
}

// Tell implements ringside.Channel. The variables are set while the call goes on, and are there before
// the dialplan can look at them.
func (ch *channel) Tell(ctx context.Context, id string, d *ringside.Decision) error {
	if err := ch.claimTurn(ctx); err != nil {
		return err
	}
	vars, err := ch.app.opt.Dial.Variables(d, id)
	if v, ok := ch.lease(); ok {
		vars = append(vars, v)
	}
	ch.vars.put(ch, vars)
	return err
}

// Wait implements ringside.Channel. The music goes on until something else is done with the caller, so
// that who is rung for does not hear it stop and begin.
func (ch *channel) Wait(ctx context.Context, music string) error {
	if ctx.Err() != nil {
		return goneOnly(ctx)
	}
	if err := ch.play(ctx, music); err != nil {
		return err
	}
	<-ctx.Done()
	return goneOnly(ctx)
}

// goneOnly is the cause with which ctx ended if the call has, and nil for all others.
func goneOnly(ctx context.Context) error {
	if cause := context.Cause(ctx); errors.Is(cause, ringside.ErrCallerGone) || errors.Is(cause, ringside.ErrConnectionLost) {
		return cause
	}
	return nil
}

// play begins music on hold, if it is not being played. Without music, the caller waits in silence: better
// than not at all.
func (ch *channel) play(ctx context.Context, music string) error {
	if !dialplan.Word(music, maxMusic) {
		music = "default"
	}
	if ch.music == music {
		return nil
	}
	err := ch.ask(context.WithoutCancel(ctx), http.MethodPost, params{"mohClass": music}, "moh")
	switch {
	case errors.Is(err, ringside.ErrRefused):
		ch.app.log.Warn("no music on hold", "class", music, "error", err)
	case err != nil:
		return err
	}
	ch.music = music
	return nil
}

const maxMusic = 80

// silence ends the music.
func (ch *channel) silence(ctx context.Context) error {
	if ch.music == "" {
		return nil
	}
	ch.music = ""
	err := ch.ask(ctx, http.MethodDelete, nil, "moh")
	if errors.Is(err, ringside.ErrRefused) {
		return nil
	}
	return err
}

// Hangup implements ringside.Channel.
func (ch *channel) Hangup(ctx context.Context, cause ringside.HangupCause) error {
	if err := ch.claimTurn(ctx); err != nil {
		return err
	}
	if err := ch.tell(ctx, ringside.ResultDone); err != nil {
		return err
	}
	ch.told(ctx, ringside.ResultDone)
	id := ch.callerID()
	err := ch.part(ctx, chore{hangUp, id}, http.MethodDelete, []string{"channels", id}, reason(cause))
	if left(err) {
		return nil // it was gone already, as it was meant to be
	}
	return ch.outcome(ctx, err)
}

// part makes the request with which a call ends for ringside. If it fails, the chore is done in its place as soon
// as Asterisk does it: nobody minds the caller any more.
func (ch *channel) part(ctx context.Context, otherwise chore, method string, path []string, p params) error {
	ch.change(func() { ch.done = true })
	// The caller's leaving Stasis ends ctx, and may be told before this is answered.
	err := ch.do(context.WithoutCancel(ctx), method, path, p)
	if err != nil && !left(err) {
		ch.app.janitor.add(otherwise)
	}
	return err
}

// told waits until RINGSIDE_RESULT can be read, for a moment: Asterisk 16 sets variables up to 200 ms after it
// has answered, and hangs up at once. (What else is asked of a channel has its turn after the variables.)
func (ch *channel) told(ctx context.Context, result ringside.Result) {
	for range 20 {
		v, err := ch.app.variable(ctx, ch.callerID(), dialplan.VarResult)
		if err != nil || v == string(result) {
			return
		}
		select {
		case <-time.After(15 * time.Millisecond):
		case <-ctx.Done():
			return
		}
	}
}

// reason is a cause in the words of ARI. Asterisk 16 knows the words alone, and takes a number for nothing.
func reason(cause ringside.HangupCause) params {
	word := ""
	switch cause {
	case 0, ringside.CauseNormal:
		return nil
	case ringside.CauseUnallocated:
		word = "unallocated"
	case ringside.CauseBusy:
		word = "busy"
	case ringside.CauseNoUserResponse:
		word = "timeout"
	case ringside.CauseNoAnswer:
		word = "no_answer"
	case ringside.CauseRejected:
		word = "rejected"
	case ringside.CauseCongestion:
		word = "congestion"
	default:
		return params{"reason_code": strconv.Itoa(int(cause))}
	}
	return params{"reason": word}
}

// Release implements ringside.Channel.
func (ch *channel) Release(ctx context.Context, result ringside.Result) error {
	if err := ch.claimTurn(ctx); err != nil {
		return err
	}
	if err := ch.silence(ctx); err != nil {
		return err
	}
	if err := ch.tell(ctx, result); err != nil {
		return err
	}
	id := ch.callerID()
	return ch.outcome(ctx, ch.part(ctx, chore{goOn, id}, http.MethodPost, []string{"channels", id, "continue"}, nil))
}

// tell sets RINGSIDE_RESULT, the last of the variables and the proof that the call was served.
func (ch *channel) tell(ctx context.Context, result ringside.Result) error {
	err := ch.vars.flush(ctx, ch, ringside.Variable{Name: dialplan.VarResult, Value: string(result)})
	if errors.Is(err, ringside.ErrRefused) {
		return nil
	}
	return err
}
