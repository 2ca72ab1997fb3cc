package esl

import (
	"context"
	"fmt"

	"github.com/ringside-pbx/ringside"
)

// Transfer implements ringside.CallControl.
//
// A blind transfer sends the channel to a dialplan of one line that connects it with the target, so that no
// context is needed; FreeSWITCH hangs up whom it talked to. An attended one runs the application att_xfer on
// the channel of the one who transfers: the other side hears music, the two talk, and who transfers hands
// over by hanging up. "*" takes them back and drops the target, "#" drops the target while it rings or talks
// (attxfer_hangup_key, attxfer_cancel_key), "0" joins the three. If the target does not answer, the two are
// back together.
func (p *PBX) Transfer(ctx context.Context, r ringside.TransferRequest) error {
	if err := firstError(r.Validate(), checkChannel("channel", r.Channel)); err != nil {
		return err
	}
	to, err := p.opt.Places.dialString(r.To)
	if err != nil {
		return err
	}
	if !r.Attended {
		p.placed.sent(r.Channel)
		return p.transfer(ctx, r.Channel, "bridge:"+to)
	}
	s, err := p.live()
	if err != nil {
		return err
	}
	peer, err := s.peer(ctx, r.Channel)
	if err != nil {
		return err
	}
	if peer == "" {
		return fmt.Errorf("%w: %s does not talk with another channel", ringside.ErrRefused, r.Channel)
	}
	p.placed.sent(r.Channel)
	// Without a third argument the application runs on the channel, and the other one hears music.
	_, err = s.run(ctx, "uuid_broadcast", r.Channel, "att_xfer::"+to)
	return err
}

// transfer sends a channel to a dialplan that is written in the command: an application and its argument.
// The order of the arguments is that of FreeSWITCH: the destination, the dialplan.
func (p *PBX) transfer(ctx context.Context, channel, app string) error {
	_, err := p.do(ctx, "uuid_transfer", channel, oneArgument(app), "inline")
	return err
}

// peer is the channel that one is connected with; empty if there is none.
func (s *session) peer(ctx context.Context, channel string) (string, error) {
	for _, name := range []string{"signal_bond", "originate_signal_bond"} {
		peer, err := s.variable(ctx, channel, name)
		if err != nil || IsChannel(peer) {
			return peer, err
		}
	}
	return "", nil
}
