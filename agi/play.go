package agi

import (
	"context"
	"fmt"
	"strconv"

	"github.com/CyCoreSystems/agi"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// Play implements ringside.Channel. A text is spoken by the configured application. FastAGI can't
// stop a sound: when ctx ends and the call goes on, the sound that plays is heard to its end, and no
// other is begun.
func (c *channel) Play(ctx context.Context, p ringside.Prompt) error {
	switch {
	case p.Position == 1:
		return c.stream(ctx, "queue-youarenext")
	case p.Position > 1:
		return c.playPosition(ctx, p.Position)
	case p.Sound != "":
		return c.stream(ctx, p.Sound)
	case c.dial.Speech == "":
		return ringside.ErrNoSpeech
	}
	res, err := c.heard(ctx, "EXEC", c.dial.Speech, quote(spoken(p.Text)))
	if res != nil && res.Result < -1 {
		return fmt.Errorf("%w: there is no application %s", ringside.ErrNoSpeech, c.dial.Speech)
	}
	return err
}

// maxSpoken is the longest text that is spoken, in bytes: what fits in one command.
const maxSpoken = 900

// spoken makes a text an application's only argument: without the comma and the "|" that would
// begin the next one.
func spoken(text string) string {
	b := []byte(dialplan.Plain(text, maxSpoken))
	for i, ch := range b {
		if ch == ',' || ch == '|' || ch == '&' {
			b[i] = ' '
		}
	}
	return string(b)
}

func (c *channel) playPosition(ctx context.Context, position int) error {
	if err := c.stream(ctx, "queue-thereare"); err != nil {
		return err
	}
	if _, err := c.heard(ctx, "SAY NUMBER", strconv.Itoa(position-1), `""`); err != nil {
		return err
	}
	return c.stream(ctx, "queue-callswaiting")
}

// stream plays a sound file to its end.
func (c *channel) stream(ctx context.Context, sound string) error {
	res, err := c.heard(ctx, "STREAM FILE", quote(sound), `""`)
	if err == nil && res != nil && res.Result == -1 {
		return fmt.Errorf("%w: there is no sound %q", ringside.ErrRefused, sound)
	}
	return err
}

// heard lets the caller hear one thing to its end. Without a reply and without an error, ctx had
// ended before, and there is no reason any more to begin.
func (c *channel) heard(ctx context.Context, words ...string) (*agi.Response, error) {
	if err := c.over(); err != nil || ctx.Err() != nil {
		return nil, err
	}
	// The reply is awaited whatever becomes of ctx, so that the next command gets its own.
	res, err := c.command(c.ctx, 0, words...)
	if err != nil {
		return nil, err
	}
	if res.Result == -1 && c.ctx.Err() == nil {
		// Asterisk says that the caller has left after it has answered the command that this broke
		// off, and before it answers the next.
		if _, err := c.command(c.ctx, replyWithin, "NOOP"); err != nil {
			return nil, err
		}
	}
	return res, c.over()
}
