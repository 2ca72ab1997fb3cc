package esl

import (
	"cmp"
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

// channel is ringside.Channel over one call that FreeSWITCH has connected for.
type channel struct {
	*session
	// changed are the variables of the site's own that ringside has set for its attempts; they are put back
	// before the dialplan goes on.
	changed []string
}

var _ ringside.Channel = (*channel)(nil)

// callerName is the variable of the name that called phones show.
const callerName = "effective_caller_id_name"

// Offer implements ringside.Channel.
func (ch *channel) Offer() ringside.Offer {
	d := ch.data
	callID := d.get("Channel-Call-UUID")
	if !channelID(callID) {
		callID = ch.id
	}
	return ringside.Offer{
		PBX: "freeswitch", CallID: callID, Channel: ch.id, Endpoint: endpoint(d),
		Caller: number(d.get("Caller-Caller-ID-Number")), CallerName: text(d.get("Caller-Caller-ID-Name")),
		Called: d.get("Caller-Destination-Number"), Context: d.get("Caller-Context"), At: ch.began,
	}
}

// number is a caller's number; FreeSWITCH and carriers have words for a withheld one.
func number(s string) string {
	switch strings.ToLower(s) {
	case "anonymous", "unknown", "unavailable", "restricted", "0000000000":
		return ""
	}
	return dialplan.Cut(s, maxText)
}

// text is what somebody calls themselves.
func text(s string) string { return dialplan.Cut(s, maxText) }

// maxText is the longest text of a caller's choice that is kept, in bytes.
const maxText = 1024

// endpoint is the device or trunk that the call came from: the user that has proved to be one, else the
// gateway, else the profile of mod_sofia. A caller can choose none of them.
func endpoint(d fields) string {
	if e := cmp.Or(d.variable("user_name"), d.variable("sip_gateway"), d.variable("sofia_profile_name")); e != "" {
		return e
	}
	// loopback/7001-b
	name := d.get("Channel-Name")
	return strings.TrimSuffix(strings.TrimSuffix(name, "-a"), "-b")
}

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

// start runs an application and waits for nothing that the application does.
func (ch *channel) start(ctx context.Context, app, arg string) (*run, error) {
	if err := ch.mayAct(ctx); err != nil {
		return nil, err
	}
	ch.mu.Lock()
	ch.last++
	r := &run{id: ch.prefix + strconv.Itoa(ch.last), ended: make(chan event, 1)}
	ch.runs[r.id] = r
	ch.mu.Unlock()
	cmd, err := executeCommand(r.id, app, arg)
	if err != nil {
		return nil, err
	}
	qs, err := ch.send(cmd)
	if err != nil {
		return nil, ch.over()
	}
	if !ch.async { // the reply comes when the application has ended
		return r, nil
	}
	return r, ch.taken(ctx, qs[0])
}

// taken waits until FreeSWITCH has taken a command.
func (ch *channel) taken(ctx context.Context, q *question) error {
	f, err := ch.await(context.WithoutCancel(ctx), q, replyWithin)
	switch {
	case errors.Is(err, ringside.ErrConnectionLost):
		return ch.over()
	case err != nil:
		return fmt.Errorf("%w: %w", ringside.ErrConnectionLost, err)
	}
	return f.refused()
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
	return ch.put(ctx, vars)
}

// put is set without a look at whose turn it is.
func (ch *channel) put(ctx context.Context, vars []ringside.Variable) error {
	if len(vars) == 0 {
		return nil
	}
	vars = slices.Clone(vars)
	for i, v := range vars {
		if v.Name == dialplan.VarCallerName {
			vars[i].Name = callerName
		}
	}
	if !ch.full {
		return ch.putEach(ctx, vars)
	}
	cmd, err := apiCommand("uuid_setvar_multi", ch.id, assignments(vars))
	if err != nil {
		return err
	}
	qs, err := ch.send(cmd)
	if err != nil {
		return ch.over()
	}
	return ch.taken(ctx, qs[0])
}

// putEach sets variables with the application set.
func (ch *channel) putEach(ctx context.Context, vars []ringside.Variable) error {
	var commands []wireCommand
	for _, v := range vars {
		ch.mu.Lock()
		ch.last++
		id := ch.prefix + strconv.Itoa(ch.last)
		ch.mu.Unlock()
		cmd, err := executeCommand(id, "set", v.Name+"="+dialplan.Clean(v))
		if err != nil {
			return err
		}
		commands = append(commands, cmd)
	}
	qs, err := ch.send(commands...)
	if err != nil {
		return ch.over()
	}
	for _, q := range qs {
		if err := ch.taken(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// Hangup implements ringside.Channel.
func (ch *channel) Hangup(ctx context.Context, cause ringside.HangupCause) error {
	if err := ch.set(ctx, []ringside.Variable{{Name: dialplan.VarResult, Value: string(ringside.ResultDone)}}); err != nil && !errors.Is(err, ringside.ErrRefused) {
		return err
	}
	qs, err := ch.send(hangupCommand(cause))
	if err == nil {
		err = ch.taken(ctx, qs[0])
	}
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
	return ch.letGo(ctx, []ringside.Variable{{Name: dialplan.VarResult, Value: string(result)}})
}

// letGo sets the last variables and ends FreeSWITCH's application socket: the dialplan goes on with its next
// action.
func (ch *channel) letGo(ctx context.Context, vars []ringside.Variable) error {
	if err := ch.put(ctx, append(ch.restored(), vars...)); err != nil && !errors.Is(err, ringside.ErrRefused) {
		return err
	}
	ch.mu.Lock()
	ch.done = true
	ch.mu.Unlock()
	if _, err := ch.send(exitCommand()); err != nil {
		return ch.over()
	}
	return nil
}

// restored are the site's own variables as they were.
func (ch *channel) restored() []ringside.Variable {
	var vars []ringside.Variable
	for _, name := range ch.changed {
		vars = append(vars, ringside.Variable{Name: name, Value: ch.data.variable(name)})
	}
	return vars
}
