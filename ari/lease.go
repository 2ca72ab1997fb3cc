package ari

import (
	"strconv"
	"time"

	"github.com/ringside-pbx/ringside"
)

// A caller in Stasis waits for whoever commands the channel, for ever. So that nobody waits for a ringside
// that has died and does not come back, each caller who is not talking has a lease: Asterisk's own absolute
// timeout, which ringside moves on as long as it lives. When it runs out the dialplan goes on at its
// extension T, where the fallback is. Only a dialplan that says that it has one is given leases.

// variableLease is the function that sets a channel's absolute timeout, in seconds; 0 is none.
const variableLease = "TIMEOUT(absolute)"

// withT is the argument with which a dialplan says that it has an extension T.
const withT = "T"

// lease is the variable that gives the caller time until the next renewal; false if the dialplan has no T.
func (ch *channel) lease() (ringside.Variable, bool) {
	return ringside.Variable{Name: variableLease, Value: strconv.Itoa(int(ch.app.opt.Lease / time.Second))}, ch.leased
}

// unlimited ends the lease: a talk goes on whatever becomes of ringside.
func (ch *channel) unlimited() {
	if !ch.leased {
		return
	}
	ch.change(func() { ch.talking = true })
	ch.vars.put(ch, []ringside.Variable{{Name: variableLease, Value: "0"}})
}

// renew moves the lease on, unless they talk or have left.
func (ch *channel) renew() {
	due := false
	ch.look(func() { due = ch.leased && !ch.talking && !ch.done && !ch.late && !ch.away && ch.caller.inStasis() })
	if due {
		v, _ := ch.lease()
		ch.vars.put(ch, []ringside.Variable{v})
	}
}

// renewLeases moves all leases on from time to time, until the application ends.
func (a *App) renewLeases() {
	tick := time.NewTicker(a.opt.Lease / 3)
	defer tick.Stop()
	for {
		select {
		case <-a.ctx.Done():
			return
		case <-tick.C:
		}
		a.mu.Lock()
		all := make([]*call, 0, len(a.calls))
		for c := range a.calls {
			all = append(all, c)
		}
		a.mu.Unlock()
		for _, c := range all {
			if c.renew != nil {
				c.renew()
			}
		}
	}
}
