package esl

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

const (
	// placeSound is FreeSWITCH's "You are number".
	placeSound = "ivr/ivr-you_are_number"
	maxSpoken  = 900
)

// Play implements ringside.Channel.
func (ch *channel) Play(ctx context.Context, p ringside.Prompt) error {
	switch {
	case ctx.Err() != nil:
		return goneOnly(ctx)
	case p.Position > 0:
		return ch.playPlace(ctx, p.Position)
	case p.Sound != "":
		if !ringside.SoundName(p.Sound) {
			return fmt.Errorf("%w: %.80q is no sound", ringside.ErrRefused, p.Sound)
		}
		return ch.untilOver(ctx, "playback", soundFile(p.Sound))
	case ch.server.opt.Site.Speech == "":
		return ringside.ErrNoSpeech
	}
	return ch.untilOver(ctx, "speak", ch.server.opt.Site.Speech+"|"+speakable(p.Text))
}

// playPlace tells the caller's place in a queue.
func (ch *channel) playPlace(ctx context.Context, place int) error {
	if err := ch.untilOver(ctx, "playback", soundFile(placeSound)); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return goneOnly(ctx)
	}
	return ch.untilOver(ctx, "say", ch.server.opt.Site.Language+" number pronounced "+strconv.Itoa(place))
}

// soundFile is the file of a sound: FreeSWITCH wants to be told the kind of file, and names of sounds, which
// are the same for every PBX, mostly do not.
func soundFile(name string) string {
	switch path.Ext(name) {
	case ".wav", ".mp3", ".ogg", ".opus", ".gsm", ".flac", ".raw", ".r8", ".r16":
		return name
	}
	return name + ".wav"
}

// speakable makes a text the last part of an argument whose parts "|" separates.
func speakable(text string) string {
	return strings.ReplaceAll(dialplan.Plain(text, maxSpoken), "|", " ")
}
