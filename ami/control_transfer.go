package ami

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringside-pbx/ringside"
)

// Extensions of the printed dialplan, beside the places of targets.
const (
	// consultPrefix begins the place where somebody is consulted before they take over a call.
	consultPrefix = "c"
	// holdExten plays music to the call that is to be taken over.
	holdExten = "hold"
	// heldVariable names that call's channel. Channels that are called for the consultation inherit it.
	heldVariable = "__" + heldName
	heldName     = "RINGSIDE_HELD"
)

// Transfer implements ringside.CallControl.
//
// Asterisk's own action for attended transfers presses keys for the channel: it needs feature codes and
// dial options, and the other side hears the keys without them. Ours is made of the dialplan instead:
// the one who waits hears music, the one who transfers is sent to call the target, and when they hang up,
// the target is connected with the one who waits; if the target does not answer, they are back together.
func (p *PBX) Transfer(ctx context.Context, r ringside.TransferRequest) error {
	if err := r.Validate(); err != nil {
		return err
	}
	exten, err := p.opt.Places.exten(r.To)
	if err != nil {
		return err
	}
	s, err := p.live()
	if err != nil {
		return err
	}
	// Asterisk says "Success" to any place, and hangs up where there is none.
	if err := p.place(ctx, s); err != nil {
		return err
	}
	if err := p.consults(ctx, s, r.Channel); err != nil {
		return err
	}
	place := p.opt.Places.Context
	peer, together := p.channels.peer(r.Channel)
	if !together {
		if err := p.waits(ctx, s, r.Channel); err != nil {
			return err
		}
	}
	if !r.Attended {
		if together {
			// The action is the peer's: so no dialplan goes on with the one who is left.
			_, err = s.Do(ctx, NewAction("BlindTransfer", "Channel", peer, "Context", place, "Exten", exten))
			return err
		}
		_, err = s.Do(ctx, NewAction("Redirect", "Channel", r.Channel, "Context", place, "Exten", exten, "Priority", "1"))
		return err
	}
	if !together {
		if !p.channels.live(r.Channel) {
			return fmt.Errorf("%w: %s", ringside.ErrNoChannel, r.Channel)
		}
		return fmt.Errorf("%w: %s does not talk with exactly one other channel", ringside.ErrRefused, r.Channel)
	}
	if _, err := s.Do(ctx, NewAction("Setvar", "Channel", r.Channel, "Variable", heldVariable, "Value", peer)); err != nil {
		return err
	}
	_, err = s.Do(ctx, NewAction("Redirect",
		"Channel", r.Channel, "Context", place, "Exten", consultPrefix+exten, "Priority", "1",
		"ExtraChannel", peer, "ExtraContext", place, "ExtraExten", holdExten, "ExtraPriority", "1"))
	return err
}

// consults refuses what would take a channel out of a consultation, be it the one who transfers or the one who
// is asked: the call that waits for them would be forgotten in its music.
func (p *PBX) consults(ctx context.Context, s *Session, channel string) error {
	m, err := s.Do(ctx, NewAction("Getvar", "Channel", channel, "Variable", heldName))
	if err != nil {
		return err
	}
	if held, ok := p.channels.named(m.Get("Value")); ok && held.Bridge == "" {
		return fmt.Errorf("%w: %s is consulted or consults about %s, which waits: hang up who consults first, which hands that call over",
			ringside.ErrRefused, channel, held.Name)
	}
	return nil
}

// waits refuses to move the call that somebody is consulted about: they would take it out of any talk that it
// has by then.
func (p *PBX) waits(ctx context.Context, s *Session, channel string) error {
	m, err := s.Do(ctx, NewAction("Getvar", "Channel", channel, "Variable", "EXTEN"))
	if err != nil {
		return err
	}
	if ch, ok := p.channels.named(channel); ok && ch.Bridge == "" && m.Get("Value") == holdExten {
		return fmt.Errorf("%w: %s waits for somebody who consults about it: hang up who consults first, which hands it over",
			ringside.ErrRefused, channel)
	}
	return nil
}

// place makes sure that the dialplan has the context that calls are sent to, as far as Asterisk may be
// asked.
func (p *PBX) place(ctx context.Context, s *Session) error {
	found := false
	err := s.List(ctx, NewAction("ShowDialPlan", "Context", p.opt.Places.Context), func(m Message) {
		found = found || m.Has("Extension") || m.Has("IncludeContext") || m.Has("Switch")
	})
	switch {
	case err == nil && found, errors.Is(err, ringside.ErrNotPermitted):
		return nil
	case s.Err() != nil, ctx.Err() != nil:
		return err
	}
	return fmt.Errorf("%w: the dialplan has no context %s: %w", ringside.ErrRefused, p.opt.Places.Context, errPlace)
}
