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
	// pieceSeconds is how long each piece of music is where nothing can be interrupted.
	pieceSeconds = "1"
	pieceLimit   = "playback_timeout_sec"
	// silenceAfter is how soon music must end to be taken for none.
	silenceAfter = 500 * time.Millisecond
)

// music is what is played for a class.
func (ch *channel) music(class string) string {
	if !dialplan.Word(class, maxMusic) {
		return ch.server.opt.Site.Music
	}
	return "local_stream://" + class
}

// Wait implements ringside.Channel. Where FreeSWITCH takes no command while it plays, the music comes in
// pieces of two seconds.
func (ch *channel) Wait(ctx context.Context, music string) error {
	if ctx.Err() != nil {
		return goneOnly(ctx)
	}
	if !ch.interrupts() {
		limit := []ringside.Variable{{Name: pieceLimit, Value: pieceSeconds}}
		if err := ch.set(ch.ctx, limit); err != nil {
			return err
		}
	}
	err := ch.waits(ctx, ch.music(music))
	if err == nil && !ch.interrupts() {
		err = ch.set(ch.ctx, []ringside.Variable{{Name: pieceLimit}})
	}
	return err
}

// waits plays until ctx ends. Without music, the caller waits in silence: better than not at all.
func (ch *channel) waits(ctx context.Context, file string) error {
	for ctx.Err() == nil {
		began := time.Now()
		if err := ch.untilOver(ctx, "playback", file); err != nil {
			if !errors.Is(err, ringside.ErrRefused) {
				return err
			}
			ch.server.log.Warn("no music on hold", "file", file, "error", err)
		}
		if time.Since(began) < silenceAfter && ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-ch.ended:
				return ch.over()
			}
		}
	}
	return goneOnly(ctx)
}

// interrupts reports whether what plays can be stopped.
func (ch *channel) interrupts() bool { return ch.full && ch.async }

// untilOver runs an application to its end, or until ctx ends and it is stopped: then it gives nil, unless the
// call has ended. What could not be played is ringside.ErrRefused.
func (ch *channel) untilOver(ctx context.Context, app, arg string) error {
	r, err := ch.start(ch.ctx, app, arg)
	if err != nil {
		return err
	}
	var stop <-chan struct{}
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
			if stop = nil; ch.ctx.Err() != nil {
				return ch.over()
			}
			if err := ch.interrupt(); err != nil && !errors.Is(err, ringside.ErrRefused) {
				return err
			}
		}
	}
}

// interrupt stops what plays.
func (ch *channel) interrupt() error {
	cmd, err := apiCommand("uuid_break", ch.id, "all")
	if err != nil {
		return err
	}
	qs, err := ch.send(cmd)
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
