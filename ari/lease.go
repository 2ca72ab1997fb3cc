package ari

import (
	"context"
	"errors"
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

// firstLease is the one that the dialplan itself gives before Stasis().
const firstLease = 15 * time.Second

// withT is the argument with which a dialplan says that it has an extension T.
const withT = "T"

// lease is the variable that gives the caller time until the next renewal; false if the dialplan has no T.
func (ch *channel) lease() (ringside.Variable, bool) { return ch.leaseFor(ch.app.opt.Lease) }

func (ch *channel) leaseFor(d time.Duration) (ringside.Variable, bool) {
	if ch.leased {
		ch.look(func() { ch.until = time.Now().Add(d) })
	}
	return leaseOf(d), ch.leased
}

// leaseOf is the variable of a lease; 0 is none.
func leaseOf(d time.Duration) ringside.Variable {
	return ringside.Variable{Name: variableLease, Value: strconv.Itoa(int(d / time.Second))}
}

// unlimited ends the lease: a talk goes on whatever becomes of ringside.
func (ch *channel) unlimited() {
	if !ch.leased {
		return
	}
	ch.look(func() {
		ch.talking = true
		ch.vars.put(ch, []ringside.Variable{leaseOf(0)})
	})
}

// limited gives the caller a lease again, after a talk or what else had none or a longer one.
func (ch *channel) limited() {
	ch.look(func() { ch.talking, ch.until = false, time.Now() })
}

// shortSound is more than it takes to say somebody's place in a queue, leaseOfPlace the least with which that begins.
const (
	shortSound   = 30 * time.Second
	leaseOfPlace = 2 * shortSound
)

// longer gives the caller a lease for a sound, behind which every other would wait; if what they have is
// enough for a short one, they keep that.
func (ch *channel) longer(ctx context.Context, short bool) error {
	lease, enough := ch.app.opt.Lease, false
	ch.look(func() { enough = !ch.leased || short && time.Until(ch.until) > shortSound })
	switch {
	case enough:
		return nil
	case short:
		lease = max(lease, leaseOfPlace)
	default:
		lease += maxPlayback
	}
	v, _ := ch.leaseFor(lease)
	if err := ch.vars.flush(ctx, ch, v); err != nil && !errors.Is(err, ringside.ErrRefused) {
		return err
	}
	return nil
}

// renew moves the lease on if a third of it has passed, unless they talk or have left. While they hear a sound
// it would wait behind that, and take a connection: there is time afterwards. Of those who talk it is taken away
// once more if that has failed. All this is one step: a talk that begins meanwhile must not get a lease.
func (ch *channel) renew() {
	ch.look(func() {
		if !ch.leased || ch.keep || ch.done || ch.late || ch.away || !ch.caller.inStasis() {
			return
		}
		if ch.talking {
			if ch.vars.failed(variableLease) {
				ch.vars.put(ch, []ringside.Variable{leaseOf(0)})
			}
			return
		}
		if time.Until(ch.until) > ch.app.opt.Lease*2/3 {
			return
		}
		for _, state := range ch.plays {
			if state == "" {
				return
			}
		}
		ch.until = time.Now().Add(ch.app.opt.Lease)
		ch.vars.put(ch, []ringside.Variable{leaseOf(ch.app.opt.Lease)})
	})
}

// renewLeases moves all leases on from time to time, until the application ends. A caller who has just come
// has no more than the dialplan's.
func (a *App) renewLeases() {
	tick := time.NewTicker(min(a.opt.Lease, firstLease) / 3)
	defer tick.Stop()
	for {
		select {
		case <-a.ctx.Done():
			return
		case <-tick.C:
		}
		for _, c := range a.inProgress() {
			if c.renew != nil {
				c.renew()
			}
		}
	}
}
