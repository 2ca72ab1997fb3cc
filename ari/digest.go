package ari

import (
	"cmp"
	"time"

	"github.com/CyCoreSystems/ari/v6"

	"github.com/ringside-pbx/ringside"
)

// digest puts an event into what is known. It runs on the goroutine that reads, and waits for nobody.
// Events about channels that are not ringside's change nothing.
func (a *App) digest(ev ari.Event) {
	switch e := ev.(type) {
	case *ari.StasisStart:
		a.started(e)
	case *ari.StasisEnd:
		a.about(e.Channel, func(_ *call, p *party) { p.left = max(p.left, p.entered) })
	case *ari.ChannelStateChange:
		a.about(e.Channel, func(_ *call, p *party) { p.is(e.Channel.State) })
	case *ari.Dial:
		a.about(e.Peer, func(_ *call, p *party) { p.dial(e.Dialstatus) })
	case *ari.ChannelHangupRequest:
		a.about(e.Channel, func(_ *call, p *party) { p.hangup = true })
	case *ari.ChannelDestroyed:
		a.about(e.Channel, func(_ *call, p *party) { p.gone, p.cause = true, ringside.HangupCause(e.Cause) })
	case *ari.ChannelHold:
		a.about(e.Channel, func(_ *call, p *party) { p.holds = true })
	case *ari.ChannelUnhold:
		a.about(e.Channel, func(_ *call, p *party) { p.holds = false })
	case *ari.ChannelUserevent:
		if e.Eventname == eventVoicemail {
			a.about(e.Channel, func(c *call, _ *party) { c.mail = mailStatus(e.Userevent) })
		}
	case *ari.PlaybackFinished:
		a.ended(e.Playback.ID, e.Playback.State)
	case *ari.RecordingFinished:
		state := e.Recording.State
		if e.Recording.Duration == 0 {
			state = empty // Asterisk calls it done when it can't write the file, too
		}
		a.ended(e.Recording.Name, state)
	case *ari.RecordingFailed:
		a.ended(e.Recording.Name, failed)
	case *ari.BridgeDestroyed:
		if c := a.owner(e.Bridge.ID); c != nil {
			c.change(func() { c.apart = c.apart || c.bridge == e.Bridge.ID })
		}
	case *ari.BridgeBlindTransfer:
		a.transferred(e.Bridge.ID)
	case *ari.BridgeAttendedTransfer:
		a.transferred(e.TransfererFirstLegBridge.ID)
		a.transferred(e.TransfererSecondLegBridge.ID)
	}
}

// States in which a playback or a recording ends, beside Asterisk's "done": it came to nothing, or is
// shorter than a second.
const (
	failed = "failed"
	empty  = "empty"
)

// ended notes how a playback or a recording has ended.
func (a *App) ended(id, state string) {
	if c := a.owner(id); c != nil {
		c.change(func() { c.plays[id] = state })
	}
}

// about changes what is known of a call's channel. When the caller has left, the call's ctx ends.
func (a *App) about(ch ari.ChannelData, f func(*call, *party)) {
	c := a.owner(ch.ID)
	if c == nil {
		return
	}
	gone := false
	c.change(func() {
		if p := c.parties[ch.ID]; p != nil {
			p.name = cmp.Or(ch.Name, p.name)
			f(c, p)
			gone = p == c.caller && p.over() && !c.away
		}
	})
	if gone {
		c.cancel(ringside.ErrCallerGone)
	}
}

// is takes a channel's state.
func (p *party) is(state string) {
	switch state {
	case "Ringing":
		p.ringing = true
	case "Up":
		p.up = true
	}
}

// dial takes a state of the attempt to reach the channel.
func (p *party) dial(status string) {
	switch status {
	case "RINGING":
		p.ringing = true
	case "PROGRESS":
		p.progress = true
	case "ANSWER":
		p.up = true
	}
}

// The arguments of Stasis(): what the channel is, and of a caller whom the dialplan hands over the id of the
// whole call, the called number, percent-encoded, VMSTATUS, if they come from voicemail, and withT, if the
// dialplan has an extension T.
const (
	argKind = iota
	argID
	argCalled
	argMail
	argT

	// kindLeg is somebody whom ringside calls.
	kindLeg = "leg"
)

// argument is one of the arguments of Stasis(); empty if there is none.
func argument(e *ari.StasisStart, i int) string {
	if i < len(e.Args) {
		return e.Args[i]
	}
	return ""
}

// started takes a channel that comes into Stasis.
func (a *App) started(e *ari.StasisStart) {
	if c := a.owner(e.Channel.ID); c != nil && !a.parted(c, e) {
		c.change(func() {
			if p := c.parties[e.Channel.ID]; p != nil {
				p.name = e.Channel.Name
				p.is(e.Channel.State)
				p.entered++
				if p == c.caller && c.away {
					c.mail = argument(e, argMail)
				}
			}
		})
		return
	}
	if old := e.ReplaceChannel.ID; old != "" {
		if c := a.owner(old); c != nil && a.claim(e.Channel.ID, c) {
			c.change(func() {
				if p := c.parties[old]; p != nil {
					c.swap(p, e.Channel.ID, e.Channel.Name)
				}
			})
			time.AfterFunc(dust, func() { a.dismiss(c, old) })
			return
		}
	}
	switch {
	case argument(e, argKind) == kindLeg, e.ReplaceChannel.ID != "":
		// It was called for a call that has ended meanwhile, or takes the place of one who was in it.
		a.janitor.add(chore{hangUp, e.Channel.ID})
	case argument(e, argMail) == mailLeft:
		// An earlier ringside has sent them to voicemail: that was their call.
		a.janitor.add(chore{hangUp, e.Channel.ID})
	default:
		a.take(e)
	}
}

// parted reports whether a channel that comes into Stasis has left the call that still owns it, and is not expected
// back: then it is a call of its own.
func (a *App) parted(c *call, e *ari.StasisStart) (parted bool) {
	c.look(func() {
		p := c.parties[e.Channel.ID]
		parted = p != nil && p.over() && (p != c.caller || !c.away) && argument(e, argKind) != kindLeg
	})
	if parted {
		a.disclaim(e.Channel.ID)
	}
	return parted
}

// transferred notes that somebody has transferred the call in a bridge.
func (a *App) transferred(bridge string) {
	if c := a.owner(bridge); c != nil {
		c.change(func() { c.moved = time.Now() })
	}
}

// dismiss hangs up who has transferred the call, and sits in no bridge any more. A phone that has asked for it
// itself does so by then.
func (a *App) dismiss(c *call, id string) {
	stays := false
	c.look(func() {
		p := c.parties[id]
		stays = p != nil && p.replaced && p.inStasis()
	})
	if stays {
		a.janitor.add(chore{hangUp, id})
	}
}
