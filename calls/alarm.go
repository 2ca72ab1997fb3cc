package calls

import "time"

// alarm wakes the switchboard when what was learned of an extension ends, so that those who wait
// are served without another event. There is one timer, set to the next time.
type alarm struct {
	timer *time.Timer
	at    time.Time
}

// wake sees to it that those who wait are served at the given time. Mutex held.
func (s *Switchboard) wake(at time.Time) {
	if s.closed || (!s.alarm.at.IsZero() && !at.Before(s.alarm.at)) {
		return
	}
	s.alarm.stop()
	s.alarm.at = at
	s.alarm.timer = time.AfterFunc(time.Until(at), s.woken)
}

func (a *alarm) stop() {
	if a.timer != nil {
		a.timer.Stop()
	}
	a.timer, a.at = nil, time.Time{}
}

func (s *Switchboard) woken() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alarm.stop()
	now := time.Now()
	s.expire(now)
	s.dispatch(now)
	for _, l := range s.lines {
		for _, at := range []time.Time{l.restUntil, l.awayUntil} {
			if at.After(now) {
				s.wake(at)
			}
		}
	}
}
