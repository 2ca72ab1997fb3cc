package ari

import (
	"testing"
	"time"

	"github.com/ringside-pbx/ringside/internal/channeltest"
)

func TestChannelConforms(t *testing.T) {
	channeltest.Conform(t, channeltest.Door{
		PBX: "asterisk", Open: openDoor, PlayInterrupts: true, Speaks: true, LosesCallOnDrop: grace,
	})
}

const grace = 30 * time.Second

// Asterisk 16 answers most commands before it carries them out.
func TestChannelConformsOnAsterisk16(t *testing.T) {
	channeltest.Conform(t, channeltest.Door{
		PBX: "asterisk", PlayInterrupts: true, Speaks: true, LosesCallOnDrop: grace,
		Open: func(t *testing.T, serve channeltest.Serve, lines ...*channeltest.Line) (closed func()) {
			return open(t, 200*time.Millisecond, serve, lines...)
		},
	})
}

// openDoor is an App and an Asterisk on which the lines' calls come into Stasis.
func openDoor(t *testing.T, serve channeltest.Serve, lines ...*channeltest.Line) (closed func()) {
	return open(t, 0, serve, lines...)
}

func open(t *testing.T, lag time.Duration, serve channeltest.Serve, lines ...*channeltest.Line) (closed func()) {
	opt := Options{Deadline: time.Hour, Grace: grace}
	s := newSite(t, opt, serve)
	if lines[0].Speaks {
		s.speaks()
	}
	slow := lines[0].Slow
	s.pbx.lag = lag
	s.start()
	// Connected before the calls come; the answers are slow from now on.
	s.pbx.do(func() { s.pbx.delays = func(fakeRequest) time.Duration { return slow } })
	for _, l := range lines {
		s.pbx.call(l)
		s.pbx.work.Go(func() {
			select {
			case <-l.Lost():
				s.pbx.do(func() { s.pbx.refuses = -1 })
				s.pbx.cut()
				_ = s.pbx.srv.Close()
			case <-s.pbx.closed:
			}
		})
	}
	return func() {
		s.stop()
		for _, l := range lines {
			select {
			case <-l.Lost():
				l.Continue() // by the next ringside, which finds the caller waiting
			default:
			}
		}
	}
}
