package esl

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

const (
	maxMusic = 80
	// pieceLimit is the variable that ends what plays after some seconds.
	pieceLimit = "playback_timeout_sec"
	// limitFine is the variable by which that is no failure.
	limitFine = "playback_timeout_as_success"
	// piece is how long one piece of music is: FreeSWITCH plays it to its end also when ringside has died, and
	// goes on with the dialplan only then.
	piece = "20"
	// shortPiece is for where nothing can be interrupted; FreeSWITCH takes less for no limit.
	shortPiece = "2"
	// silenceAfter is how soon music must end to be taken for none, and the first silence before it is tried
	// again: it may be none, and a caller ends a piece with a key. The longest is maxSilence.
	silenceAfter = 500 * time.Millisecond
	maxSilence   = 16 * time.Second
	// breakAgain is how soon what was told to stop, and has not, is told so again.
	breakAgain = 200 * time.Millisecond
)

// music is what is played for a class.
func (ch *channel) music(class string) string {
	if !dialplan.Word(class, maxMusic) {
		return ch.server.opt.Site.Music
	}
	return "local_stream://" + class
}

// Wait implements ringside.Channel. The music comes in pieces, one where the last has ended. Without music,
// the caller waits in silence: better than not at all.
func (ch *channel) Wait(ctx context.Context, music string) error {
	if ctx.Err() != nil {
		return goneOnly(ctx)
	}
	limit := []ringside.Variable{{Name: pieceLimit, Value: piece}, {Name: limitFine, Value: "true"}}
	if !ch.interrupts() {
		limit[0].Value = shortPiece
	}
	file, silence := ch.music(music), silenceAfter
	ch.limited = true
	for ctx.Err() == nil {
		began := time.Now()
		if err := ch.untilOver(ctx, "playback", file, limit...); err != nil {
			if !errors.Is(err, ringside.ErrRefused) {
				return err
			}
			ch.server.log.Warn("no music on hold", "file", file, "error", err)
		}
		if time.Since(began) >= silenceAfter {
			silence = silenceAfter
			continue
		}
		select {
		case <-ctx.Done():
		case <-ch.ended:
			return ch.over()
		case <-time.After(silence):
			silence = min(2*silence, maxSilence)
		}
	}
	if err := goneOnly(ctx); err != nil {
		return err
	}
	// What plays next is played to its end.
	err := ch.set(ch.ctx, unlimited())
	if err == nil || errors.Is(err, ringside.ErrRefused) {
		ch.limited = false
		return nil
	}
	return err
}

// unlimited are the variables of what plays to its end.
func unlimited() []ringside.Variable {
	return []ringside.Variable{{Name: pieceLimit}, {Name: limitFine}}
}

// interrupts reports whether what plays can be stopped.
func (ch *channel) interrupts() bool { return ch.full && ch.async }

// untilOver runs an application to its end, or until ctx ends and it is stopped: then it gives nil, unless the
// call has ended. What could not be played is ringside.ErrRefused.
func (ch *channel) untilOver(ctx context.Context, app, arg string, vars ...ringside.Variable) error {
	r, err := ch.start(ch.ctx, app, arg, vars...)
	if err != nil {
		return err
	}
	var stop, begun <-chan struct{}
	var again <-chan time.Time
	if ch.interrupts() {
		stop = ctx.Done()
	}
	for {
		select {
		case e := <-r.ended:
			if ch.ctx.Err() != nil {
				return ch.over()
			}
			return unplayed(e, arg)
		case <-ch.ctx.Done():
			return ch.over()
		case <-ch.ended:
			return ch.over()
		case <-stop:
			// What FreeSWITCH has not begun yet, it throws away when it is told to stop, and tells of no end.
			stop, begun = nil, r.begun
			continue
		case <-begun:
			begun = nil
		case <-again: // it forgets what it was told in the moment in which it begins
		}
		if ch.ctx.Err() != nil {
			return ch.over()
		}
		if err := ch.interrupt(); err != nil && !errors.Is(err, ringside.ErrRefused) {
			return err
		}
		again = time.After(breakAgain)
	}
}

// interrupt stops what plays.
func (ch *channel) interrupt() error {
	qs, err := ch.send(ch.breakCommand())
	if err != nil {
		return ch.over()
	}
	return ch.taken(qs...)
}

// unplayed gives an error for an application's word that there was nothing to play.
func unplayed(e event, what string) error {
	switch response := e.get("Application-Response"); response {
	case "FILE NOT FOUND", "PLAYBACK ERROR":
		return fmt.Errorf("%w: %.80q: %s", ringside.ErrRefused, what, response)
	}
	return nil
}

// goneOnly is the cause with which ctx ended if the call has, and nil for all others.
func goneOnly(ctx context.Context) error {
	if cause := context.Cause(ctx); errors.Is(cause, ringside.ErrCallerGone) || errors.Is(cause, ringside.ErrConnectionLost) {
		return cause
	}
	return nil
}
