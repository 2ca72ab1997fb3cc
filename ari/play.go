package ari

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/ringside-pbx/ringside"
)

// Play implements ringside.Channel. It ends at once when ctx does.
func (ch *channel) Play(ctx context.Context, p ringside.Prompt) error {
	media := position(p.Position)
	if p.Position <= 0 {
		if p.Sound == "" {
			return ch.speak(ctx, p.Text)
		}
		if !ringside.SoundName(p.Sound) {
			return fmt.Errorf("%w: %.40q is no sound's name", ringside.ErrRefused, p.Sound)
		}
		media = []string{"sound:" + p.Sound}
	}
	if ctx.Err() != nil {
		return goneOnly(ctx)
	}
	if err := ch.claimTurn(ctx); err != nil {
		return err
	}
	if err := ch.silence(ctx); err != nil {
		return err
	}
	place := p.Position > 0
	if err := ch.longer(ch.ctx, place); err != nil {
		return err
	}
	if !place || ch.app.opt.Lease < leaseOfPlace {
		defer ch.limited()
	}
	return ch.playback(ctx, media)
}

// position is what a caller hears of their place in a queue.
func position(place int) []string {
	if place == 1 {
		return []string{"sound:queue-youarenext"}
	}
	return []string{"sound:queue-thereare", "number:" + strconv.Itoa(place-1), "sound:queue-callswaiting"}
}

// maxPlayback bounds a sound: of some, Asterisk never says that they have ended.
const maxPlayback = 10 * time.Minute

// playback plays sounds one after the other to their end, or until ctx ends.
func (ch *channel) playback(ctx context.Context, media []string) error {
	a := ch.app
	id := a.newID(soundID)
	a.claim(id, ch.call)
	ch.change(func() { ch.plays[id] = "" })
	defer func() {
		a.disclaim(id)
		ch.change(func() { delete(ch.plays, id) })
	}()
	// A request that is broken off may be carried out all the same, and nobody would stop the sound.
	if err := ch.ask(ch.ctx, http.MethodPost, params{"media": media}, "play", id); err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, maxPlayback)
	defer cancel()
	state := ""
	err := ch.await(bounded, func() bool { state = ch.plays[id]; return state != "" })
	switch {
	case err == nil && state == failed:
		return ch.unplayed(ctx, media)
	case err == nil:
		return nil
	}
	if cause := goneOnly(ctx); cause != nil {
		return cause
	}
	stop, cancelStop := context.WithTimeout(a.ctx, tidyWithin)
	defer cancelStop()
	if err := ch.do(stop, http.MethodDelete, []string{"playbacks", id}, nil); err != nil && !left(err) {
		return ch.outcome(stop, err)
	}
	return nil
}

// unplayed says why a playback failed: the caller has left, or there is no such sound.
func (ch *channel) unplayed(ctx context.Context, media []string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	leaves := false
	ch.look(func() { leaves = ch.caller.hangup || ch.caller.over() })
	if leaves {
		return ringside.ErrCallerGone
	}
	return fmt.Errorf("%w: there is no sound %q", ringside.ErrRefused, media)
}

// speak lets the dialplan speak a text with the configured application.
func (ch *channel) speak(ctx context.Context, text string) error {
	if ch.app.opt.Dial.Speech == "" {
		return ringside.ErrNoSpeech
	}
	if ctx.Err() != nil {
		return goneOnly(ctx)
	}
	if err := ch.silence(ch.ctx); err != nil {
		return err
	}
	return ch.detour(taskSpeak, ringside.Variable{Name: variableText, Value: text})
}
