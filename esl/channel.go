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

// channel is ringside.Channel over one call that FreeSWITCH has connected for.
type channel struct {
	*outbound
	// changed are the variables of the site's own that ringside has set for its attempts; they are put back
	// before the dialplan goes on.
	changed []string
	// limited: what plays is limited to a piece of music.
	limited bool
}

var _ ringside.Channel = (*channel)(nil)

// Offer implements ringside.Channel.
func (ch *channel) Offer() ringside.Offer { return offer(ch.data, ch.began) }

// execute runs an application and waits until it has ended, or ctx has. The errors: ErrRefused if FreeSWITCH
// does not take it, and the call goes on; else the cause with which ctx or the connection ended.
func (ch *channel) execute(ctx context.Context, app, arg string) (event, error) {
	r, err := ch.start(ctx, app, arg)
	if err != nil {
		return event{}, err
	}
	select {
	case e := <-r.ended:
		return e, nil
	case <-ctx.Done():
		return event{}, context.Cause(ctx)
	case <-ch.ended:
		return event{}, ch.over()
	}
}

// start runs an application, after it has set variables, and waits for nothing that the application does.
func (ch *channel) start(ctx context.Context, app, arg string, vars ...ringside.Variable) (*run, error) {
	if err := ch.mayAct(ctx); err != nil {
		return nil, err
	}
	commands, err := ch.setters(vars)
	if err != nil {
		return nil, err
	}
	r := newRun(ch.nextID(), app)
	cmd, err := executeCommand(r.id, app, arg)
	if err != nil {
		return nil, err
	}
	ch.mu.Lock()
	ch.runs[r.id] = r
	ch.mu.Unlock()
	qs, err := ch.send(append(commands, cmd)...)
	if err != nil {
		return nil, ch.over()
	}
	if !ch.async { // the reply comes when the application has ended
		qs = qs[:len(commands)]
	}
	return r, ch.taken(qs...)
}

// nextID is an id for an application.
func (ch *channel) nextID() string {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	ch.last++
	return fmt.Sprintf("%s%012x", ch.prefix, ch.last)
}

// taken waits until FreeSWITCH has taken commands, and gives what it says of the last. Replies come also when
// whoever asked has lost interest: they are awaited, so that nothing is done out of order.
func (ch *channel) taken(qs ...*question) error {
	var last error
	for _, q := range qs {
		f, err := ch.await(context.Background(), q, replyWithin)
		switch {
		case errors.Is(err, ringside.ErrConnectionLost):
			return ch.over()
		case err != nil:
			return fmt.Errorf("%w: %w", ringside.ErrConnectionLost, err)
		}
		if last = f.refused(); last != nil && strings.Contains(f.outcome(), "No such channel") {
			return ch.vanished()
		}
	}
	return last
}

// vanished is the cause with which the call has ended that FreeSWITCH does not know any more.
func (ch *channel) vanished() error {
	t := time.NewTimer(replyWithin)
	defer t.Stop()
	select {
	case <-ch.ctx.Done():
		return context.Cause(ch.ctx)
	case <-t.C:
		return ringside.ErrCallerGone
	}
}

// over is the cause with which the call has ended, after its connection has.
func (ch *channel) over() error {
	<-ch.ctx.Done()
	return context.Cause(ch.ctx)
}

// mayAct claims the call; it is an error if that or ctx has ended.
func (ch *channel) mayAct(ctx context.Context) error {
	if err := context.Cause(ch.ctx); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return ch.claim()
}

// Answer implements ringside.Channel.
func (ch *channel) Answer(ctx context.Context) error {
	_, err := ch.execute(ctx, "answer", "")
	return err
}

// Tell implements ringside.Channel.
func (ch *channel) Tell(ctx context.Context, id string, d *ringside.Decision) error {
	vars, err := ch.server.opt.Site.Dial.Variables(d, id)
	if setErr := ch.set(ctx, vars); setErr != nil {
		return setErr
	}
	return err
}

// set sets variables of the call: all in one command where FreeSWITCH takes it, which is done at once.
func (ch *channel) set(ctx context.Context, vars []ringside.Variable) error {
	if err := ch.mayAct(ctx); err != nil {
		return err
	}
	return ch.put(vars)
}

// put is set without a look at whose turn it is. then are sent behind.
func (ch *channel) put(vars []ringside.Variable, then ...wireCommand) error {
	commands, err := ch.setters(vars)
	if err != nil {
		return err
	}
	qs, err := ch.send(append(commands, then...)...)
	if err != nil {
		return ch.over()
	}
	return ch.taken(qs...)
}

// setters are the commands that set variables.
func (ch *channel) setters(vars []ringside.Variable) ([]wireCommand, error) {
	return setters(ch.full, ch.id, vars, ch.nextID)
}

// Hangup implements ringside.Channel.
func (ch *channel) Hangup(ctx context.Context, cause ringside.HangupCause) error {
	if err := ch.mayAct(ctx); err != nil {
		return err
	}
	done := []ringside.Variable{{Name: dialplan.VarResult, Value: string(ringside.ResultDone)}}
	err := ch.put(done, hangupCommand(cause))
	if errors.Is(err, ringside.ErrCallerGone) {
		return nil // it was gone already, as it was meant to be
	}
	if err != nil {
		return err
	}
	t := time.NewTimer(replyWithin)
	defer t.Stop()
	select {
	case <-ch.gone:
		return nil
	case <-ch.ended:
		if err := ch.over(); !errors.Is(err, ringside.ErrCallerGone) {
			return err
		}
		return nil
	case <-t.C:
		return fmt.Errorf("%w: the call has not ended", ringside.ErrRefused)
	}
}

// Release implements ringside.Channel.
func (ch *channel) Release(ctx context.Context, result ringside.Result) error {
	if err := ch.mayAct(ctx); err != nil {
		return err
	}
	return ch.letGo([]ringside.Variable{{Name: dialplan.VarResult, Value: string(result)}})
}

// letGo sets the last variables and ends FreeSWITCH's application socket: the dialplan goes on with its next
// action.
func (ch *channel) letGo(vars []ringside.Variable) error {
	ch.mu.Lock()
	ch.done = true
	ch.mu.Unlock()
	return ch.put(append(ch.restored(), vars...), exitCommand())
}

// restored are the site's own variables as they were.
func (ch *channel) restored() []ringside.Variable {
	var vars []ringside.Variable
	for _, name := range ch.changed {
		vars = append(vars, ringside.Variable{Name: name, Value: ch.data.variable(name)})
	}
	return vars
}

// finish gives the call back if nobody has, and waits a moment for the end of the connection, so that nothing
// that was said is lost with it. What plays is stopped: FreeSWITCH would play it to its end before its dialplan
// goes on. What ringside has set for its own attempts and music is put back, unless FreeSWITCH still needs it:
// for a bridge that is under way.
func (ch *channel) finish() {
	ch.mu.Lock()
	mine, hungUp := !ch.done, ch.hungUp
	ch.done = true
	plays, bridges := false, false
	for _, r := range ch.runs {
		plays = plays || r.app != "bridge" && r.app != "voicemail"
		bridges = bridges || r.app == "bridge"
	}
	ch.mu.Unlock()
	if mine {
		var commands []wireCommand
		if plays && ch.interrupts() {
			commands = append(commands, ch.breakCommand())
		}
		if !bridges {
			back, _ := ch.setters(ch.leftovers(hungUp))
			commands = append(commands, back...)
		}
		_, _ = ch.send(append(commands, exitCommand())...)
	}
	t := time.NewTimer(endWithin)
	defer t.Stop()
	select {
	case <-ch.ended:
	case <-t.C:
	}
	ch.end(nil)
}

// leftovers are all variables that are to be as they were when ringside leaves the call in the middle of
// something. Callers who were led away are on a way that may have set its own already, but for the limit.
func (ch *channel) leftovers(led bool) (vars []ringside.Variable) {
	if !led {
		vars = ch.restored()
	}
	if ch.limited {
		vars = append(vars, unlimited()...)
	}
	return vars
}
