package calls

import (
	"context"
	"errors"
	"time"

	"github.com/ringside-pbx/ringside"
)

// errServed ends the music of a caller in a queue for whom a member has been found.
var errServed = errors.New("a member is free")

// stand lets the caller stand in a queue until they are connected, the queue times out or they
// leave. over says that the call has ended; otherwise it is to be decided on again.
func (s *Switchboard) stand(ctx context.Context, c *call, d *ringside.Decision, w *waiter) (over bool, err error) {
	leg := s.startLeg(c, ringside.Leg{Kind: ringside.LegQueue, Group: d.Group.ID})
	s.mu.Lock()
	w.leg = leg
	s.mu.Unlock()
	result := ringside.StayLeft
	defer func() {
		now := time.Now()
		s.mu.Lock()
		defer s.mu.Unlock()
		moved := s.leave(w, now, result)
		// A member may have been found in the moment in which the caller gave up.
		select {
		case <-w.served:
			moved = s.free(c, now) || moved
		default:
		}
		if moved {
			s.dispatch(now)
		}
	}()
	until := w.since.Add(d.Timeout)
	heard := &announced{}
	for {
		served, err := s.await(ctx, c, d, w, until, heard)
		if err != nil {
			return true, err
		}
		if served == nil {
			result = ringside.StayTimeout
			s.mu.Lock()
			c.spend(d.Key) // dispatch reads the query of those who wait
			s.mu.Unlock()
			return false, nil
		}
		s.mu.Lock()
		s.note(c, served)
		s.mu.Unlock()
		if err := s.announceDecision(ctx, c, served); err != nil {
			return true, err
		}
		if over, err := s.ring(ctx, c, served, w); over || err != nil {
			return over, err
		}
		s.mu.Lock()
		w.connecting = false
		s.dispatch(time.Now())
		s.mu.Unlock()
	}
}

// announceEvery is how often a caller hears their place in the queue.
const announceEvery = time.Minute

// announced is what a caller in a queue has heard so far.
type announced struct {
	answered bool
	next     time.Time // when they hear their place again; zero is at once
}

// await plays music, and the caller's place from time to time, until a member is found (the decision) or
// the time is up (nil). Neither music nor place holds up a caller for whom a member is free.
func (s *Switchboard) await(ctx context.Context, c *call, d *ringside.Decision, w *waiter, until time.Time, heard *announced) (*ringside.Decision, error) {
	select {
	case served := <-w.served: // without a note of music for who is served at once
		return &served, nil
	default:
	}
	if !heard.answered {
		heard.answered = true
		if err := c.ch.Answer(ctx); err != nil && !errors.Is(err, ringside.ErrRefused) {
			return nil, err
		}
	}
	waiting, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timeout := time.NewTimer(time.Until(until))
	defer timeout.Stop()
	var served *ringside.Decision
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		select {
		case got := <-w.served:
			served = &got
			cancel(errServed)
		case <-timeout.C:
			cancel(context.DeadlineExceeded)
		case <-waiting.Done():
		}
	}()
	err := s.entertain(waiting, c, d, w, heard)
	cancel(nil)
	<-watching
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx) // the call ends, not this wait alone
	}
	if served != nil && err != nil {
		// The caller left in the same moment: what was reserved is given back by the defer above.
		w.served <- *served
		return nil, err
	}
	return served, err
}

// entertain plays music until ctx ends, and tells the caller's place before and in between if the group
// wants it.
func (s *Switchboard) entertain(ctx context.Context, c *call, d *ringside.Decision, w *waiter, heard *announced) error {
	if !d.Group.AnnouncePosition {
		return c.ch.Wait(ctx, d.Group.MusicOnHold)
	}
	for ctx.Err() == nil {
		if !time.Now().Before(heard.next) {
			heard.next = time.Now().Add(announceEvery)
			if err := s.tellPosition(ctx, c, w); err != nil {
				return err
			}
			continue // it may have ended in the middle of it
		}
		music, cancel := context.WithDeadline(ctx, heard.next)
		err := c.ch.Wait(music, d.Group.MusicOnHold)
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Switchboard) tellPosition(ctx context.Context, c *call, w *waiter) error {
	s.mu.Lock()
	position := s.position(w)
	s.mu.Unlock()
	err := c.ch.Play(ctx, ringside.Prompt{Position: position})
	if errors.Is(err, ringside.ErrRefused) {
		return nil
	}
	return err
}
