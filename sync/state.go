package sync

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/ringside-pbx/ringside/internal/backoff"
)

// state is what is known of the link: one mutex, no I/O while it is held but for the log.
type state struct {
	log *slog.Logger
	now func() time.Time

	mu      sync.Mutex
	streams []*stream
	// told is since when there is trouble that was told, by topic.
	told map[string]time.Time
	// closed: the credentials are refused, and only the prober goes on. open is closed when that ends.
	closed bool
	open   chan struct{}
	opened time.Time
	// probed: the prober has waited and asks again; its success opens.
	probed  bool
	probing backoff.Backoff

	// hurry is closed, and another one made, when everybody is to try again at once.
	hurry chan struct{}

	lastSuccess time.Time
	skew        time.Duration // this clock's lead over the CRM's
	skewed      bool
	warned      string
}

// stream is one of the link's tasks.
type stream struct {
	name  string
	state *state

	// Under the state's mutex.
	failure     *Failure // the last one; nil after a success
	since       time.Time
	next        time.Time
	failures    int
	lastSuccess time.Time
	// topics are those of all failures since: of two that take turns, each is told once.
	topics map[string]bool
}

// prober is the stream that finds out whether refused credentials are good again: it always runs, and
// what it asks costs the CRM nothing.
const prober = "heartbeat"

func newState(opt Options) *state {
	return &state{
		log: opt.Log, now: opt.Now, open: make(chan struct{}), hurry: make(chan struct{}), told: map[string]time.Time{},
		probing: backoff.Backoff{First: firstProbing, Last: lastProbing},
	}
}

func (st *state) stream(name string) *stream {
	s := &stream{name: name, state: st}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.streams = append(st.streams, s)
	return s
}

// ok notes a success, and says so when it ends trouble that was told.
func (s *stream) ok() {
	st := s.state
	st.mu.Lock()
	defer st.mu.Unlock()
	now := st.now()
	s.lastSuccess, st.lastSuccess = now, now
	if st.probed {
		st.reopenLocked()
	}
	s.clear(now)
}

// idle notes that there is nothing to do any more: what failed is of no concern now, unless the CRM
// would not take the next thing either.
func (s *stream) idle() {
	st := s.state
	st.mu.Lock()
	defer st.mu.Unlock()
	if f := s.failure; f != nil && f.Trouble != Unauthorized && f.Trouble != Missing {
		s.clear(st.now())
	}
}

// clear ends the stream's trouble. Mutex held.
func (s *stream) clear(now time.Time) {
	topics := s.topics
	s.failure, s.failures, s.next, s.since, s.topics = nil, 0, time.Time{}, time.Time{}, nil
	st, begun := s.state, time.Time{}
	for topic := range topics {
		since, told := st.told[topic]
		if !told || st.others(topic) {
			continue
		}
		delete(st.told, topic)
		if begun.IsZero() || since.Before(begun) {
			begun = since
		}
	}
	if !begun.IsZero() {
		st.log.Info("the CRM link works again", "what", s.name, "after", now.Sub(begun).Round(time.Second).String())
	}
}

// failed notes a failure. It is told when it is news: not again for every attempt, and once for all
// streams that are in the same trouble.
func (s *stream) failed(f *Failure, pause time.Duration) {
	st := s.state
	st.mu.Lock()
	defer st.mu.Unlock()
	now := st.now()
	if s.since.IsZero() {
		s.since, s.topics = now, map[string]bool{}
	}
	s.failure, s.next = f, now.Add(pause)
	s.failures++
	if f.Trouble == Unauthorized && !st.closed {
		st.closed = true
		// Credentials that are good for a moment, or for a part of the link, are probed ever less often.
		if now.Sub(st.opened) > lastProbing {
			st.probing.Reset()
		}
	}
	topic := s.topic(f)
	s.topics[topic] = true
	_, told := st.told[topic]
	// One hiccup is no news: the next attempt tells.
	hiccup := s.failures == 1 && (f.Trouble == Busy || f.Trouble == Unreachable) && pause <= firstWait
	if told || hiccup {
		st.log.Debug("the CRM link fails", "what", s.name, "reason", f.Reason, "attempts", s.failures)
		return
	}
	st.told[topic] = s.since
	st.log.Warn("the CRM link fails; calls go on, and what is for the CRM waits",
		"what", s.name, "reason", f.Reason, "trouble", string(f.Trouble), "status", f.Status)
}

// topic is what is told once: trouble with the CRM as such concerns all streams, other trouble one.
func (s *stream) topic(f *Failure) string {
	switch f.Trouble {
	case Unreachable, Busy, Unauthorized, Interfered:
		return string(f.Trouble)
	}
	return string(f.Trouble) + "/" + s.name
}

// others reports whether a stream has been in trouble of the topic since its last success. Mutex held.
func (st *state) others(topic string) bool {
	return slices.ContainsFunc(st.streams, func(s *stream) bool { return s.topics[topic] })
}

// enter waits while the credentials are refused; false when ctx has ended.
func (s *stream) enter(ctx context.Context) bool {
	st := s.state
	st.mu.Lock()
	closed, open := st.closed, st.open
	if !closed {
		st.mu.Unlock()
		return ctx.Err() == nil
	}
	if s.name != prober {
		st.mu.Unlock()
		select {
		case <-ctx.Done():
			return false
		case <-open:
			return true
		}
	}
	pause := st.probing.Next(0)
	s.next = st.now().Add(pause)
	st.mu.Unlock()
	if !rest(ctx, pause, open) {
		return false
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.probed = st.closed
	return true
}

// reopen lets everybody try again at once: the credentials have been renewed, or somebody asks.
func (st *state) reopen() {
	st.mu.Lock()
	defer st.mu.Unlock()
	close(st.hurry)
	st.hurry = make(chan struct{})
	st.reopenLocked()
}

// hurried is closed when everybody is to try again at once.
func (st *state) hurried() <-chan struct{} {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.hurry
}

func (st *state) reopenLocked() {
	if st.closed {
		st.closed, st.probed, st.opened = false, false, st.now()
		close(st.open)
		st.open = make(chan struct{})
	}
}

// The clocks may differ by as much before it is worth a warning: signatures allow five minutes.
const (
	skewWarning = time.Minute
	skewCalm    = 30 * time.Second
)

// heard compares the clocks.
func (st *state) heard(h http.Header, sent, received time.Time) {
	theirs, err := http.ParseTime(h.Get("Date"))
	if err != nil || received.Sub(sent) > skewWarning/2 {
		return // a long poll tells nothing: its date is of its end
	}
	ours := sent.Add(received.Sub(sent) / 2)
	st.mu.Lock()
	defer st.mu.Unlock()
	st.skew = ours.Sub(theirs).Round(time.Second)
	switch {
	case !st.skewed && st.skew.Abs() >= skewWarning:
		st.skewed = true
		st.log.Warn("the clocks of this machine and the CRM differ", "difference", clockText(st.skew))
	case st.skewed && st.skew.Abs() <= skewCalm:
		st.skewed = false
		st.log.Info("the clocks of this machine and the CRM agree again")
	}
}

func clockText(skew time.Duration) string {
	if skew < 0 {
		return fmt.Sprintf("this machine's clock is %s behind the CRM's", span(-skew))
	}
	return fmt.Sprintf("this machine's clock is %s ahead of the CRM's", span(skew))
}

// note logs a warning about the token once.
func (st *state) note(t TokenState) {
	st.mu.Lock()
	defer st.mu.Unlock()
	warning := ""
	if t.warning(st.now()) != "" {
		warning = t.Error + t.Expires.String() // the same trouble, however its age is worded
	}
	if warning != st.warned && warning != "" {
		st.log.Warn("the CRM's token needs attention", "reason", t.warning(st.now()))
	}
	st.warned = warning
}
