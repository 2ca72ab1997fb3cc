package calls

import (
	"slices"
	"time"

	"github.com/ringside-pbx/ringside"
)

// reportGrace is how long a call that ringside has taken from an extension may go on in the PBX's
// reports: its word of the end comes a moment after ringside's own.
const reportGrace = time.Second

// own is a call that ringside gives to an extension: n times now, or none any more but until a time.
type own struct {
	n     int
	until time.Time
}

// take notes that ringside gives the extension the call. Mutex held, as in all that follows.
func (l *line) take(id string) {
	if l.own == nil {
		l.own = map[string]own{}
	}
	l.own[id] = own{n: l.own[id].n + 1}
}

// give notes that ringside takes the call from the extension; the PBX may report it until a time.
func (l *line) give(id string, now, until time.Time) {
	l.own[id] = own{l.own[id].n - 1, until}
	for id, o := range l.own {
		if !o.counts(now) {
			delete(l.own, id)
		}
	}
}

// counts reports whether ringside's own count stands for the call, whatever the PBX reports of it.
func (o own) counts(now time.Time) bool { return o.n > 0 || now.Before(o.until) }

// reportedCall is a call that the PBX reports of an extension; without an id if it gave none.
type reportedCall struct {
	id      string
	talking bool
}

// hear puts the PBX's report in place of the earlier one.
func (l *line) hear(node string, r ringside.LineReport, now time.Time) {
	was := l.heard
	l.heard = make([]reportedCall, 0, len(r.Calls))
	for _, c := range r.Calls {
		h := reportedCall{talking: c.Talking}
		if c.CallID != "" {
			h.id = ringside.CallID(node, c.CallID)
			if i := slices.IndexFunc(l.heard, func(o reportedCall) bool { return o.id == h.id }); i >= 0 {
				l.heard[i].talking = l.heard[i].talking || h.talking // two devices of one extension
				continue
			}
		}
		l.heard = append(l.heard, h)
	}
	if len(r.Calls) == 0 && r.State.Engaged() {
		l.heard = append(l.heard, reportedCall{talking: r.State != ringside.DeviceRinging})
	}
	for _, h := range was {
		if h.talking && !slices.Contains(l.heard, h) {
			l.lastTalk = now
		}
	}
	if l.report != nil && l.report.State.Presence() == ringside.PresenceUnreachable &&
		r.State.Presence() == ringside.PresenceReachable {
		// The phone has registered again. Its being registered all the time says nothing: the attempt
		// that failed knew better.
		l.awayUntil = time.Time{}
	}
	r.Calls = slices.Clone(r.Calls)
	if r.At.IsZero() {
		r.At = now
	}
	l.report = &r
}

// reported counts the calls that only the PBX tells of.
func (l *line) reported(now time.Time) (ringing, talking int) {
	for _, h := range l.heard {
		switch {
		case h.id != "" && l.own[h.id].counts(now):
		case h.id == "" && l.engaged(now):
		case h.talking:
			talking++
		default:
			ringing++
		}
	}
	return ringing, talking
}

// engaged reports whether a call of ringside's own may be what the PBX means by a state without calls.
func (l *line) engaged(now time.Time) bool {
	for _, o := range l.own {
		if o.counts(now) {
			return true
		}
	}
	return false
}

// presence is what is known of the extension's device.
func (l *line) presence(now time.Time) ringside.Presence {
	switch {
	case now.Before(l.awayUntil):
		return ringside.PresenceUnreachable
	case l.report == nil:
		return ringside.PresenceUnknown
	}
	return l.report.State.Presence()
}

// activity is the extension's state, but for who waits.
func (l *line) activity(now time.Time) ringside.Activity {
	ringing, talking := l.reported(now)
	return ringside.Activity{
		Ringing: l.ringing + ringing, Talking: l.talking + talking, Reported: ringing + talking,
		LastTalk: l.lastTalk, Resting: now.Before(l.restUntil), Presence: l.presence(now),
	}
}

// Report takes what the PBX knows of extensions' devices. A report replaces the earlier one of its
// number and counts until Silence. Who is freed by it, or can be reached again, is given to those who
// wait.
//
// A reported call is counted once: by ringside while it has given the call to that extension itself,
// and for a moment after; else as the PBX says. So a member who talks on a call that ringside has not
// routed, or whose call lives on after a transfer, is busy.
func (s *Switchboard) Report(reports ...ringside.LineReport) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	eased := false
	for _, r := range reports {
		l := s.line(r.Number)
		before := l.activity(now)
		was := l.heard
		l.hear(s.opt.Node, r, now)
		eased = s.leftBehind(r.Number, was, now) || eased
		eased = eased || eases(before, l.activity(now))
	}
	if eased {
		s.dispatch(now)
	}
}

// leftBehind frees an extension of ringside's calls that it has left while they go on, as the PBX tells: the
// caller is parked, say, or the phone itself has handed them over. was is what was heard before. Mutex held.
func (s *Switchboard) leftBehind(number string, was []reportedCall, now time.Time) (freed bool) {
	for _, h := range was {
		c := s.live[h.id]
		there := func(o reportedCall) bool { return o.id == h.id }
		if c == nil || !h.talking || c.talking != number || slices.ContainsFunc(s.line(number).heard, there) {
			continue
		}
		c.left, c.leftAt = number, now
		freed = s.free(c, now) || freed
	}
	return freed
}

// Silence tells that the PBX can't be heard any more: all its reports are void, so that a dead link
// keeps nobody busy.
func (s *Switchboard) Silence() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	eased := false
	for _, l := range s.lines {
		if l.report == nil {
			continue
		}
		before := l.activity(now)
		l.report, l.heard = nil, nil
		eased = eased || eases(before, l.activity(now))
	}
	if eased {
		s.dispatch(now)
	}
}

// eases reports whether somebody can be offered a call who could not before.
func eases(before, after ringside.Activity) bool {
	return before.Busy() && !after.Busy() ||
		before.Presence == ringside.PresenceUnreachable && after.Presence != ringside.PresenceUnreachable
}
