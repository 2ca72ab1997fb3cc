package agi

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
)

var errMemberFree = errors.New("a member is free")

// A prompt may be played for a reason that passes, which is no reason to lose the caller: FastAGI
// can't stop a sound, but stops between two.
func TestPromptWhoseReasonPassesLeavesTheCallerInTheirPlace(t *testing.T) {
	const next = "\n> ANSWER\n< 200 result=0\nclosed"
	speaking := templates
	speaking.Speech = "Flite"
	cases := []struct {
		name         string
		prompt       ringside.Prompt
		passes       time.Duration
		conversation string
	}{
		{"before a sound", ringside.Prompt{Sound: "welcome"}, 0, next},
		{"before a text", ringside.Prompt{Text: "Welcome"}, 0, next},
		{"during a sound", ringside.Prompt{Sound: "welcome"}, time.Second, `
			> STREAM FILE "welcome" ""
			pause 3s
			< 200 result=0 endpos=3520` + next},
		{"during a text", ringside.Prompt{Text: "Welcome"}, time.Second, `
			> EXEC Flite "Welcome"
			pause 3s
			< 200 result=0` + next},
		{"during the first sound of a place", ringside.Prompt{Position: 3}, time.Second, `
			> STREAM FILE "queue-thereare" ""
			pause 3s
			< 200 result=0 endpos=100` + next},
		{"during the number of a place", ringside.Prompt{Position: 3}, 2 * time.Second, `
			> STREAM FILE "queue-thereare" ""
			< 200 result=0 endpos=100
			> SAY NUMBER 2 ""
			pause 3s
			< 200 result=0` + next},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var h heardBy
			story(t, Options{Dial: speaking}, &board{serve: func(ctx context.Context, ch ringside.Channel) {
				reason, cancel := context.WithTimeoutCause(ctx, c.passes, errMemberFree)
				defer cancel()
				h.add("play", told(ch.Play(reason, c.prompt)))
				h.add("answer", told(ch.Answer(ctx)), told(context.Cause(ctx)))
			}}, "route", c.conversation)
			h.want(t, "play ok", "answer ok ok")
		})
	}
}

// Asterisk answers the command first and says HANGUP then, so a caller who leaves during a prompt
// looks like one for whom there is no such sound.
func TestCallerWhoLeavesDuringAPromptIsNotAMissingSound(t *testing.T) {
	speaking := templates
	speaking.Speech = "Flite"
	const left = `
		~ 200 result=-1 endpos=3520\nHANGUP\n
		> NOOP
		< 200 result=0
		closed`
	for prompt, conversation := range map[ringside.Prompt]string{
		{Sound: "welcome"}: `> STREAM FILE "welcome" ""` + left,
		{Text: "Welcome"}:  `> EXEC Flite "Welcome"` + left,
		{Position: 1}:      `> STREAM FILE "queue-youarenext" ""` + left,
		{Position: 3}: `> STREAM FILE "queue-thereare" ""
			< 200 result=0 endpos=100
			> SAY NUMBER 2 ""` + left,
	} {
		var h heardBy
		story(t, Options{Dial: speaking}, &board{serve: func(ctx context.Context, ch ringside.Channel) {
			h.add("play", told(ch.Play(ctx, prompt)), told(context.Cause(ctx)))
		}}, "route", conversation)
		h.want(t, "play caller gone caller gone")
	}
}
