package guard

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

const (
	// settling is how long the PBX may take until it tells of a channel that it has begun.
	settling = 10 * time.Second
	// doubt is how long a call counts of which neither the outcome nor the id is known: no call is
	// rung for longer.
	doubt = 5 * time.Minute
)

// ledger knows who has dialled out within the last hour, and which calls to the outside go on. Only what
// was let through is entered, so it can't grow beyond what the total limits allow, whatever names are made up.
type ledger struct {
	person, total Limits

	mu     sync.Mutex
	passes []pass  // of the last hour, the oldest first
	calls  []*call // that go on, as far as is known
}

// pass is one request to dial out that was let through.
type pass struct {
	at  time.Time
	who []string
}

// call is a call to the outside.
type call struct {
	who []string
	// id is the PBX's of its channel; empty while it is not known.
	id string
	// until is when the call is no longer taken for granted: after that Live decides, and without an id
	// nobody asks any more. Zero while the request is under way.
	until time.Time
}

// enter lets somebody dial out once more, or says which limit forbids it. A call that is already there
// by its id is the same call, sent elsewhere.
func (l *ledger) enter(now time.Time, id string, who []string) (*call, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := slices.IndexFunc(l.passes, func(p pass) bool { return now.Sub(p.at) < time.Hour })
	if old < 0 {
		old = len(l.passes)
	}
	l.passes = slices.Delete(l.passes, 0, old)
	for _, name := range who {
		if err := l.over(now, id, name); err != nil {
			return nil, err
		}
	}
	if err := l.over(now, id, ""); err != nil {
		return nil, err
	}
	l.passes = append(l.passes, pass{now, who})
	c := &call{who: who, id: id}
	l.calls = append(l.calls, c)
	return c, nil
}

// over says which limit one name has reached; "" is everybody.
func (l *ledger) over(now time.Time, id, name string) error {
	limits, key, whose := l.person, "person", name+" has"
	if name == "" {
		limits, key, whose = l.total, "total", "all together have"
	}
	var lately, inHour, atOnce int
	for _, p := range l.passes {
		if name == "" || slices.Contains(p.who, name) {
			inHour++
			if now.Sub(p.at) < time.Minute {
				lately++
			}
		}
	}
	for _, c := range l.calls {
		if (id == "" || c.id != id) && (name == "" || slices.Contains(c.who, name)) {
			atOnce++
		}
	}
	switch {
	case lately >= limits.PerMinute:
		return deny("", "%s dialled out %d times within a minute, the limit of outbound.%s.per_minute", whose, lately, key)
	case inHour >= limits.PerHour:
		return deny("", "%s dialled out %d times within an hour, the limit of outbound.%s.per_hour", whose, inHour, key)
	case atOnce >= limits.Concurrent:
		return deny("", "%s %d calls to the outside now, the limit of outbound.%s.concurrent", whose, atOnce, key)
	}
	return nil
}

// settle says what became of a request: the channel's id, as far as it is known, and until when the call
// counts without asking. Only now it takes the place of what was known of the same channel: a request that
// fails must not make a call forgotten that goes on.
func (l *ledger) settle(c *call, id string, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.id, c.until = cmp.Or(id, c.id), until
	if c.id != "" {
		l.calls = slices.DeleteFunc(l.calls, func(other *call) bool { return other != c && other.id == c.id })
	}
}

// end takes a call out that never came about.
func (l *ledger) end(c *call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls = slices.DeleteFunc(l.calls, func(other *call) bool { return other == c })
}

// prune takes out the calls that have ended. Live is somebody else's and is asked without the lock.
func (l *ledger) prune(now time.Time, live func(id string) bool) {
	for _, c := range l.doubtful(now) {
		if c.id == "" || !live(c.id) {
			l.end(c.call)
		}
	}
}

type doubtful struct {
	*call
	id string
}

func (l *ledger) doubtful(now time.Time) (list []doubtful) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.calls {
		if !c.until.IsZero() && !now.Before(c.until) {
			list = append(list, doubtful{c, c.id})
		}
	}
	return list
}
