package calls

import (
	"context"
	"errors"

	"github.com/ringside-pbx/ringside"
)

// voicemail hands the caller to the PBX's voicemail. If it can't take the call, the call is
// decided on again.
func (s *Switchboard) voicemail(ctx context.Context, c *call, d *ringside.Decision) (over bool, err error) {
	leg := s.startLeg(c, ringside.Leg{Kind: ringside.LegVoicemail, Targets: []string{d.Target}})
	err = c.ch.Voicemail(ctx, d.Target)
	switch {
	case errors.Is(err, ringside.ErrRefused):
		s.endLeg(c, leg, "failed")
		c.spend(d.Key)
		return false, nil
	case errors.Is(err, ringside.ErrCallerGone):
		s.endLeg(c, leg, ringside.StayLeft)
		return true, err
	case err != nil:
		s.endLeg(c, leg, "failed")
		return true, err
	}
	s.endLeg(c, leg, ringside.StayDone)
	s.change(c, func(r *ringside.Call) {
		r.Status, r.Disposition = r.Status.Advance(ringside.StatusNoAnswer), ringside.EndVoicemail
	})
	return true, c.ch.Hangup(ctx, ringside.CauseNormal)
}

// announce plays an announcement and ends the call. If it can't be played, the call is decided on
// again, without it.
func (s *Switchboard) announce(ctx context.Context, c *call, d *ringside.Decision) (over bool, err error) {
	leg := s.startLeg(c, ringside.Leg{Kind: ringside.LegAnnouncement})
	if err := c.ch.Answer(ctx); err != nil && !errors.Is(err, ringside.ErrRefused) {
		s.endLeg(c, leg, "failed")
		return true, err
	}
	prompt := ringside.Prompt{Sound: d.Announcement}
	if !ringside.SoundName(d.Announcement) {
		prompt = ringside.Prompt{Text: d.Announcement}
	}
	err = c.ch.Play(ctx, prompt)
	switch {
	case errors.Is(err, ringside.ErrRefused), errors.Is(err, ringside.ErrNoSpeech):
		s.opt.Log.Warn("an announcement could not be played", "call", c.record.ID, "announcement", d.Announcement, "error", err)
		s.endLeg(c, leg, "failed")
		c.spend(d.Key)
		return false, nil
	case err != nil:
		s.endLeg(c, leg, ringside.StayLeft)
		return true, err
	}
	s.endLeg(c, leg, ringside.StayDone)
	s.change(c, func(r *ringside.Call) {
		r.Status, r.Disposition = r.Status.Advance(ringside.StatusNoAnswer), ringside.EndAnnounced
	})
	return true, c.ch.Hangup(ctx, ringside.CauseNormal)
}
