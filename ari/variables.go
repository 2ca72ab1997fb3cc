package ari

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// variables sets the variables of a call's channel beside what the call does: nobody is rung later because
// of them. Those of a later decision replace those that are not set yet.
type variables struct {
	mu      sync.Mutex
	pending []ringside.Variable
	running bool
	// lost are those whose last setting has failed.
	lost map[string]bool
	idle chan struct{} // closed when nothing is being set; nil if nobody waits
}

// put sets variables soon. It waits for nothing, and may be called with the call locked.
func (v *variables) put(ch *channel, vars []ringside.Variable) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.merge(vars)
	if v.running || len(v.pending) == 0 {
		return
	}
	v.running = true
	ch.app.wg.Go(func() { v.run(ch) })
}

// merge adds variables to the pending ones. The lock is held.
func (v *variables) merge(vars []ringside.Variable) {
	for _, n := range vars {
		for i, o := range v.pending {
			if o.Name == n.Name {
				v.pending = append(v.pending[:i], v.pending[i+1:]...)
				break
			}
		}
		v.pending = append(v.pending, n)
	}
}

// take gives what is pending; if there is nothing, the run is over.
func (v *variables) take() []ringside.Variable {
	v.mu.Lock()
	defer v.mu.Unlock()
	vars := v.pending
	v.pending = nil
	if len(vars) == 0 {
		v.running = false
		if v.idle != nil {
			close(v.idle)
			v.idle = nil
		}
	}
	return vars
}

func (v *variables) run(ch *channel) {
	for vars := v.take(); len(vars) > 0; vars = v.take() {
		// The caller may have left: their variables are still read by the end of the dialplan.
		ctx, cancel := context.WithTimeout(ch.app.ctx, tidyWithin)
		err := ch.setAll(ctx, vars)
		cancel()
		v.note(vars, err)
		if err != nil && !left(err) {
			ch.app.log.Warn("channel variables could not be set", "channel", ch.offer.Channel, "error", err)
		}
	}
}

// note notes whether variables could be set. Of a channel that has left nothing can be set any more.
func (v *variables) note(vars []ringside.Variable, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, n := range vars {
		delete(v.lost, n.Name)
		if err == nil || left(err) {
			continue
		}
		if v.lost == nil {
			v.lost = map[string]bool{}
		}
		v.lost[n.Name] = true
	}
}

// failed reports whether a variable could not be set, and nobody has tried again.
func (v *variables) failed(name string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.lost[name] && !v.running
}

// wait returns when nothing is being set.
func (v *variables) wait() {
	v.mu.Lock()
	if !v.running {
		v.mu.Unlock()
		return
	}
	if v.idle == nil {
		v.idle = make(chan struct{})
	}
	idle := v.idle
	v.mu.Unlock()
	<-idle
}

// flush sets what is pending, and then vars, now: all in one request unless one is on its way.
func (v *variables) flush(ctx context.Context, ch *channel, vars ...ringside.Variable) error {
	v.wait()
	v.mu.Lock()
	v.merge(vars)
	all := v.pending
	v.pending = nil
	v.mu.Unlock()
	return ch.outcome(ctx, ch.setAll(ctx, all))
}

// setAll sets variables in one request: by the function ARRAY, or one by one where Asterisk does not have it
// (it would take the request and set nothing).
func (ch *channel) setAll(ctx context.Context, vars []ringside.Variable) error {
	if len(vars) > 1 && !ch.app.noArray.Load() {
		return ch.set(ctx, dialplan.Array(vars))
	}
	for _, one := range vars {
		if err := ch.set(ctx, ringside.Variable{Name: one.Name, Value: dialplan.Clean(one)}); err != nil {
			return err
		}
	}
	return nil
}

// set sets one variable, whose value has been cleaned.
func (ch *channel) set(ctx context.Context, v ringside.Variable) error {
	return ch.do(ctx, http.MethodPost, []string{"channels", ch.callerID(), "variable"},
		params{"variable": v.Name, "value": v.Value})
}

// variable reads a channel's variable; empty is not set.
func (a *App) variable(ctx context.Context, id, name string) (string, error) {
	var v struct {
		Value string `json:"value"`
	}
	err := a.rest.do(ctx, http.MethodGet, []string{"channels", id, "variable"}, params{"variable": name}, &v)
	var missing *RequestError
	if errors.As(err, &missing) && missing.Message == "Provided variable was not found" {
		return "", nil
	}
	return v.Value, err
}
