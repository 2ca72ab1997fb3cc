package calls

import (
	"context"
	"fmt"
	"time"

	"github.com/ringside-pbx/ringside"
)

// reportWithin is how long a call that the PBX has seen the end of may wait for the dialplan's report.
const reportWithin = 5 * time.Second

// Recorded gives the record of a call, and whether there is one, from all that the Recorder was given
// before.
type Recorded func(ctx context.Context, id string) (ringside.Call, bool, error)

// Witness takes a finished call as the PBX itself saw it: one that ringside has not routed is
// recorded, and a record of ringside's is completed by what it lacks. A record that lacks nothing gets
// no revision.
//
// It waits until ringside's own record of the call is made, which ctx bounds, so the caller runs it
// beside what it does; it holds up nobody else. A call that the dialplan carries out, and whose end it
// has not reported some seconds later, ends here.
func (s *Switchboard) Witness(ctx context.Context, w ringside.Witnessed, recorded Recorded) error {
	id := ringside.CallID(s.opt.Node, w.CallID)
	if err := s.awaitRecord(ctx, id, w.End); err != nil {
		return fmt.Errorf("witness call %s: %w", id, err)
	}
	prev, known, err := recorded(ctx, id)
	if err != nil {
		return fmt.Errorf("witness call %s: %w", id, err)
	}
	if !known {
		c := w.Record(s.opt.Node)
		if dir := s.directory.Load(); dir != nil {
			s.identify(&c, dir)
			c.Direction = w.Direction(c.Direction)
		}
		s.opt.Recorder.Finish(c, nil, nil)
		s.watch.publish(c)
		return nil
	}
	part, news := w.Complete(prev)
	if !news {
		return nil
	}
	s.opt.Recorder.Finish(part, nil, nil)
	s.watch.publish(part.Continue(prev))
	return nil
}

// awaitRecord waits until no record of the call is to come from the switchboard itself.
func (s *Switchboard) awaitRecord(ctx context.Context, id string, ended time.Time) error {
	late := time.NewTimer(reportWithin)
	defer late.Stop()
	for {
		done := s.recording(id)
		if done == nil {
			return nil
		}
		select {
		case <-done:
		case <-late.C:
			s.missed(id, ended)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// missed ends a call whose dialplan has not reported its end.
func (s *Switchboard) missed(id string, ended time.Time) {
	s.mu.Lock()
	c := s.live[id]
	carried := c != nil && c.ch == nil
	s.mu.Unlock()
	if carried {
		s.conclude(c, ringside.Facts{}, ended)
	}
}

// pending counts the records that are to come of one call.
type pending struct {
	n    int
	done chan struct{} // closed when there are none; nil as long as nobody waits
}

// expect notes that a record of the call is to come. Mutex held.
func (s *Switchboard) expect(c *call) {
	if c.pending {
		return
	}
	c.pending = true
	p := s.pending[c.record.ID]
	if p == nil {
		p = &pending{}
		s.pending[c.record.ID] = p
	}
	p.n++
}

// recorded notes that the record of the call is with the recorder, or will never be made. Mutex held.
func (s *Switchboard) recorded(c *call) {
	if !c.pending {
		return
	}
	c.pending = false
	p := s.pending[c.record.ID]
	if p.n--; p.n > 0 {
		return
	}
	delete(s.pending, c.record.ID)
	if p.done != nil {
		close(p.done)
	}
}

// recording is closed when the records of the call that are to come are made; nil if none is.
func (s *Switchboard) recording(id string) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pending[id]
	if p == nil {
		return nil
	}
	if p.done == nil {
		p.done = make(chan struct{})
	}
	return p.done
}
