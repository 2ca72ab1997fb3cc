package ami

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringside-pbx/ringside"
)

// Bounds of what waits for Asterisk.
const (
	maxPending = 1000
	maxItems   = 200_000
)

var errCrowded = fmt.Errorf("%d actions wait for Asterisk already", maxPending)

// pending is an action that has been sent and is not over.
type pending struct {
	action string
	// each takes the events that belong to the answer, on the goroutine that reads; nil: there are none.
	each func(Message)
	// odd takes those of them that a caller has meddled with; nil: they are left out.
	odd func(Message)
	// until is the event that ends the action, if it is none of a list: OriginateResponse.
	until string

	answer Message // the response, or the event of until
	items  int
	done   chan error // receives once
}

// gathers reports whether events answer the action, too.
func (p *pending) gathers() bool { return p.each != nil || p.until != "" }

// expect makes room for an action's answer and gives its ActionID.
func (s *Session) expect(p *pending) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return "", s.err
	}
	if len(s.waiting) >= maxPending {
		return "", fmt.Errorf("%w: %w", ringside.ErrRefused, errCrowded)
	}
	id := s.nextID()
	s.waiting[id] = p
	if p.gathers() {
		s.gathering.Add(1)
	}
	return id, nil
}

// forget gives up waiting: what still comes for the action is nobody's.
func (s *Session) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.waiting[id]; p != nil && p.gathers() {
		s.left.Store(true)
	}
	s.drop(id)
}

func (s *Session) drop(id string) {
	if p := s.waiting[id]; p != nil {
		delete(s.waiting, id)
		if p.gathers() {
			s.gathering.Add(-1)
		}
	}
}

// finish ends an action. Mutex held.
func (s *Session) finish(id string, p *pending, err error) {
	s.drop(id)
	p.done <- err
}

// answered takes a response, and reports whether it is one to us.
func (s *Session) answered(m Message) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := m.Get("ActionID")
	p := s.waiting[id]
	if p == nil {
		return begins([]byte(id), s.nonce) // nobody waits for it any more
	}
	p.answer = m.Clone()
	err := refusal(p.action, m)
	if err == nil && p.gathers() {
		return true // what was asked for follows
	}
	s.finish(id, p, err)
	return true
}

// gathered takes an event that answers an action, and reports whether it was one.
func (s *Session) gathered(m Message) bool {
	id := m.find("ActionID")
	if id == nil {
		return false
	}
	s.mu.Lock()
	p := s.waiting[string(id)]
	if p == nil {
		s.mu.Unlock()
		// Not for the sink either: it belongs to a list that nobody waits for any more.
		return begins(id, s.nonce)
	}
	defer s.mu.Unlock()
	switch {
	case p.until != "" && same(m.event(), p.until):
		p.answer = m.Clone()
		s.finish(string(id), p, nil)
	case p.each == nil:
		return false
	case endsList(m, "Complete"):
		s.finish(string(id), p, nil)
	case endsList(m, "cancelled"):
		s.finish(string(id), p, fmt.Errorf("%w: Asterisk gave up %s", ringside.ErrRefused, p.action))
	default:
		if p.items++; p.items > maxItems {
			s.finish(string(id), p, fmt.Errorf("%w: %s has more than %d answers", ringside.ErrRefused, p.action, maxItems))
			return true
		}
		o := m.outline()
		if !o.whole {
			s.suspect(o)
		}
		switch {
		case o.whole:
			p.each(m)
		case p.odd != nil:
			p.odd(m)
		}
	}
	return true
}

// endsList reports whether the event ends a list, and how: Asterisk says so in a header since 1.8. The end has
// its ActionID first of all: in items of queues, where it comes last, a caller could write that header.
func endsList(m Message, how string) bool {
	_, _, rest := cut(m.raw)
	name, _, _ := cut(rest)
	return same(name, "ActionID") && same(m.find("EventList"), how)
}

// Do carries out an action and gives its response. A refusal is an *ActionError.
func (s *Session) Do(ctx context.Context, a Action) (Message, error) {
	return s.send(ctx, a, &pending{})
}

// List carries out an action that is answered by a list and hands each item over, on the goroutine that
// reads and in the order of all that is read: each may not block, nor keep the message.
func (s *Session) List(ctx context.Context, a Action, each func(Message)) error {
	_, err := s.send(ctx, a, &pending{each: each})
	return err
}

// await carries out an action whose outcome is an event with its ActionID.
func (s *Session) await(ctx context.Context, a Action, event string) (Message, error) {
	return s.send(ctx, a, &pending{until: event})
}

// Ping asks Asterisk whether it is there and gives its answer, which has the time in newer versions.
func (s *Session) Ping(ctx context.Context) (Message, error) { return s.Do(ctx, NewAction("Ping")) }

// authenticate logs in.
func (s *Session) authenticate(ctx context.Context) error {
	login := NewAction("Login", "Username", s.login.Username, "Events", s.login.Events)
	if s.login.Plain {
		login = login.With("Secret", s.login.Secret.Reveal())
	} else {
		m, err := s.Do(ctx, NewAction("Challenge", "AuthType", "MD5"))
		if err != nil {
			return loginFailure(err)
		}
		login = login.With("AuthType", "MD5").With("Key", digest(m.Get("Challenge"), s.login.Secret))
	}
	_, err := s.Do(ctx, login)
	return loginFailure(err)
}

func loginFailure(err error) error {
	var refused *ActionError
	if errors.As(err, &refused) {
		return &AuthError{printable(refused.Message)}
	}
	return err
}
