package calls

import (
	"strings"
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
	// presumed (mutex): an attempt outlives its ring time, so that somebody has probably answered.
	presumed bool
	waiter   *waiter         // mutex: the caller's place in a queue
	turns    []ringside.Turn // mutex
	talks    []ringside.Talk // mutex
	expiry   *time.Timer     // mutex: ends a decided call whose end nobody reports
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
		ID: s.callID(o), Schema: ringside.CallSchema, Revision: 1, Node: s.opt.Node, PBX: o.PBX,
		Channel: o.Channel, Endpoint: o.Endpoint, Caller: o.Caller, CallerName: o.CallerName, Called: o.Called,
		Direction: ringside.Inbound, Status: ringside.StatusRinging, Start: o.At,
	}
	if dir != nil {
		c.query = routing.Query{
			Caller: dir.Number(o.Caller), Called: dir.Number(o.Called), Endpoint: o.Endpoint,
			At: o.At, Detail: routing.Looked,
		}
		c.record.Caller, c.record.CallerE164 = c.query.Caller.Raw, c.query.Caller.E164
		c.record.Called, c.record.CalledE164 = c.query.Called.Raw, c.query.Called.E164
		c.record.Version = dir.Version()
		c.record.Direction = dir.Direction(c.query)
		if contact, ok := s.contact(c.query.Caller); ok {
			c.record.Contact = &contact
			c.query.Owner = contact.Owner
		}
	}
	return c
}

// enter puts a call in the live table and returns its record.
func (s *Switchboard) enter(c *call) ringside.Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch old := s.live[c.record.ID]; {
	case old != nil && old.ch == nil:
		// The dialplan carried out a decision on the call and now lets ringside serve it.
		if old.expiry != nil {
			old.expiry.Stop()
		}
		s.live[c.record.ID] = c
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

// callID makes ringside's id of a call from the PBX's, which is kept to printable ASCII without
// blanks and to what the CRM has room for. What begins with the node's name is such an id already:
// a dialplan reports with the id that it was given, since the PBX's own may change in a transfer.
func (s *Switchboard) callID(o ringside.Offer) string {
	prefix := s.opt.Node + "-"
	id := prefix + strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f {
			return r
		}
		return '_'
	}, strings.TrimPrefix(o.CallID, prefix))
	if len(id) > ringside.MaxCallID {
		id = id[:ringside.MaxCallID]
	}
	return id
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
	// A call that ends before it came to stand in its queue, or by a panic, must not stay there.
	moved := c.waiter != nil && s.leave(c.waiter, now, queueLeft)
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
}
