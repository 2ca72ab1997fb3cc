package ari

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/ringside-pbx/ringside"
)

// errRung ends an attempt that nobody answered in time.
var errRung = errors.New("nobody answered in time")

// Dial implements ringside.Channel. All targets are called at once; the first to answer is connected, and
// the others stop ringing.
func (ch *channel) Dial(ctx context.Context, req ringside.DialRequest) (ringside.DialResult, error) {
	failed := ringside.DialResult{Status: ringside.DialFailed}
	at, err := ch.attempt(req)
	if err != nil {
		return failed, err
	}
	if err := ch.claimTurn(ctx); err != nil {
		return failed, err
	}
	if req.Waiting || req.Music != "" {
		err = ch.play(ctx, req.Music)
	} else {
		err = ch.silence(ctx)
	}
	if err != nil {
		return failed, err
	}
	ring, cancel := context.WithTimeoutCause(ctx, max(req.Ring, time.Second), errRung)
	defer cancel()
	winner, err := at.ring(ring)
	switch {
	case winner != nil:
		return ch.connect(ctx, at, winner)
	case errors.Is(err, errRung):
		at.stop(nil)
		at.conclude(nil, ringside.DialNoAnswer)
		return ringside.DialResult{Status: ringside.DialNoAnswer, Cause: ringside.CauseNoAnswer}, nil
	case err != nil:
		at.stop(nil)
		at.conclude(nil, ringside.DialCancelled)
		if cause := context.Cause(ctx); cause != nil {
			return ringside.DialResult{Status: ringside.DialCancelled}, cause
		}
		if errors.Is(err, ringside.ErrCallerGone) {
			failed.Status = ringside.DialCancelled
		}
		return failed, err
	}
	at.stop(nil)
	if cause := context.Cause(ctx); cause != nil {
		return ringside.DialResult{Status: ringside.DialCancelled}, cause
	}
	return at.failure(), nil
}

// connect lets the caller talk to who has answered, until one of them leaves.
func (ch *channel) connect(ctx context.Context, at *attempt, winner *party) (ringside.DialResult, error) {
	answered := time.Now()
	res := ringside.DialResult{Status: ringside.DialAnswered, Answered: winner.target, Cause: ringside.CauseNormal}
	// The others stop while the caller is connected.
	stopped := make(chan struct{})
	go func() { defer close(stopped); at.stop(winner) }()
	defer func() { <-stopped }()
	at.conclude(winner, ringside.DialCancelled)
	if err := ch.join(ctx, winner); err != nil {
		if ctx.Err() == nil && errors.Is(err, errLegGone) {
			// Who had answered hung up in the same moment.
			res.Talk = time.Since(answered)
			ch.drop()
			return res, nil
		}
		ch.drop()
		if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, ringside.ErrCallerGone) {
			return ringside.DialResult{Status: ringside.DialFailed}, cause
		}
		if ctx.Err() != nil || errors.Is(err, ringside.ErrCallerGone) {
			res.Talk = time.Since(answered)
			return res, nil
		}
		return ringside.DialResult{Status: ringside.DialFailed}, err
	}
	ch.unlimited()
	res.Recording = ch.record(ctx, winner, at.req)
	ch.talk(ctx, winner, res.Recording != "")
	res.Talk = time.Since(answered)
	ch.look(func() {
		if winner.cause != 0 {
			res.Cause = winner.cause
		}
	})
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, ringside.ErrCallerGone) {
		// It is ringside that leaves, or has lost sight of them: they go on talking.
		ch.change(func() { ch.keep = true })
		return res, cause
	}
	ch.limited()
	ch.drop()
	if res.Recording != "" && !ch.kept(res.Recording, res.Talk) {
		ch.app.log.Warn("a talk was not recorded: can Asterisk write to its folder \"recording\"?", "call", at.req.CallID)
		res.Recording = ""
	}
	return res, nil
}

// talk lasts until the other side has left, or ctx ends. In a bridge that is recorded Asterisk plays nothing
// to who is on hold: there it is done here.
func (ch *channel) talk(ctx context.Context, with *party, recorded bool) {
	playing := ""
	defer func() {
		if playing != "" && ctx.Err() != nil {
			ch.moh(ch.app.ctx, http.MethodDelete, playing)
		}
	}()
	for {
		gone, listens := false, ""
		if ch.await(ctx, func() bool {
			q := ch.present(with)
			if gone = ch.apart || q == nil; gone {
				return true
			}
			listens = ""
			switch {
			case recorded && q.holds && !ch.caller.holds:
				listens = ch.caller.id
			case recorded && ch.caller.holds && !q.holds:
				listens = q.id
			}
			return listens != playing
		}) != nil || gone {
			return
		}
		if playing != "" {
			ch.moh(ctx, http.MethodDelete, playing)
		}
		if playing = listens; playing != "" {
			ch.moh(ctx, http.MethodPost, playing)
		}
	}
}

// moh begins or ends music on hold for a channel that may be gone.
func (ch *channel) moh(ctx context.Context, method, id string) {
	ctx, cancel := context.WithTimeout(ctx, tidyWithin)
	defer cancel()
	_ = ch.app.rest.do(ctx, method, []string{"channels", id, "moh"}, nil, nil)
}

// present is who sits in the place of a party now: itself, or the channel that a transfer has put there;
// nil if nobody does. The call is locked.
func (c *call) present(p *party) *party {
	if !p.over() && !p.replaced {
		return p
	}
	for _, q := range c.parties {
		if q.stands == p && !q.over() && !q.replaced {
			return q
		}
	}
	return nil
}
