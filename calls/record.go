package calls

import (
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/routing"
)

// call is a call in progress. Fields under the mutex are marked; the others belong to the
// goroutine that serves the call.
type call struct {
	dir   *routing.Compiled
	query routing.Query
	ch    ringside.Channel // nil if the dialplan carries out the decision

	record  ringside.Call // mutex
	held    []string      // mutex: extensions that are rung or talk for this call
	talking string        // mutex: the one of held that talks
	left    string        // mutex: who talked and has left, while the caller is still served
	leftAt  time.Time     // mutex: when
	// presumed (mutex): an attempt outlives its ring time, so that somebody has probably answered.
	presumed bool
	waiter   *waiter         // mutex: the caller's place in a queue
	turns    []ringside.Turn // mutex
	talks    []ringside.Talk // mutex
	expiry   *time.Timer     // mutex: ends a decided call whose end nobody reports
	pending  bool            // mutex: it has begun and is not with the recorder yet
}

// begin puts a call in the live table and records its beginning. The same id again, while the call
// lasts, is the same call.
func (s *Switchboard) begin(ch ringside.Channel, o ringside.Offer) *call {
	c := s.newCall(ch, o)
	s.begun(s.enter(c))
	return c
}

// begun records and tells that a call has begun.
func (s *Switchboard) begun(r ringside.Call) {
	s.opt.Recorder.Begin(r)
	s.watch.publish(r)
}

// newCall makes a call of an offer, under the directory of this moment.
func (s *Switchboard) newCall(ch ringside.Channel, o ringside.Offer) *call {
	dir := s.directory.Load()
	s.offered.Store(o.At.UnixNano())
	c := &call{dir: dir, ch: ch}
	c.record = ringside.Call{
		ID: ringside.CallID(s.opt.Node, o.CallID), Schema: ringside.CallSchema, Revision: 1, Node: s.opt.Node, PBX: o.PBX,
		Channel: o.Channel, Endpoint: o.Endpoint, Caller: o.Caller, CallerName: o.CallerName, Called: o.Called,
		Direction: ringside.Inbound, Status: ringside.StatusRinging, Start: o.At,
	}
	if dir != nil {
		c.query = s.identify(&c.record, dir)
		c.record.Version = dir.Version()
	}
	return c
}

// identify writes into the record who called whom, as the directory and the contacts know them.
func (s *Switchboard) identify(r *ringside.Call, dir *routing.Compiled) routing.Query {
	q := routing.Query{
		Caller: dir.Number(r.Caller), Called: dir.Number(r.Called), Endpoint: r.Endpoint,
		At: r.Start, Detail: routing.Looked,
	}
	r.Caller, r.CallerE164 = q.Caller.Raw, q.Caller.E164
	r.Called, r.CalledE164 = q.Called.Raw, q.Called.E164
	r.Direction = dir.Direction(q)
	if contact, ok := s.contact(q.Caller); ok {
		r.Contact = &contact
		q.Owner = contact.Owner
	}
	return q
}

// enter puts a call in the live table and returns its record.
func (s *Switchboard) enter(c *call) ringside.Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expect(c)
	switch old := s.live[c.record.ID]; {
	case old != nil && old.ch == nil:
		// The dialplan carried out a decision on the call and now lets ringside serve it.
		if old.expiry != nil {
			old.expiry.Stop()
		}
		s.live[c.record.ID] = c
		s.recorded(old)
		if now := time.Now(); s.free(old, now) {
			s.dispatch(now)
		}
	case old != nil:
		// The PBX asks about a call that is still being served (it was transferred into the same
		// dialplan, say): the same call. The recorder joins the two servings' records.
		c.record.Revision = old.record.Revision
	default:
		s.live[c.record.ID] = c
	}
	return c.record.Clone()
}

func (s *Switchboard) contact(n ringside.Number) (ringside.Contact, bool) {
	if s.opt.Contacts == nil || n.Raw == "" {
		return ringside.Contact{}, false
	}
	return s.opt.Contacts.Contact(n)
}

// change edits the call's record under the mutex and returns a copy of it.
func (s *Switchboard) change(c *call, edit func(r *ringside.Call)) ringside.Call {
	s.mu.Lock()
	edit(&c.record)
	r := c.record.Clone()
	s.mu.Unlock()
	return r
}

// end finishes the call: it gives back what the call holds, takes it out of the live table, serves
// those who wait, and records it.
func (s *Switchboard) end(c *call, now time.Time) {
	s.mu.Lock()
	s.expect(c)
	// A call that ends before it came to stand in its queue, or by a panic, must not stay there.
	moved := c.waiter != nil && s.leave(c.waiter, now, ringside.StayLeft)
	moved = s.free(c, now) || moved
	if s.live[c.record.ID] == c {
		delete(s.live, c.record.ID)
	}
	c.record.Finish(now)
	record := c.record.Clone()
	turns, talks := c.turns, c.talks
	if moved {
		s.dispatch(now)
	}
	s.mu.Unlock()
	s.opt.Recorder.Finish(record, turns, talks)
	s.watch.publish(record)
	s.mu.Lock()
	s.recorded(c)
	s.mu.Unlock()
}
