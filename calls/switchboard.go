package calls

import (
	"cmp"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/routing"
)

// ErrStopping is the cause with which a front end ends its calls when ringside stops.
var ErrStopping = errors.New("ringside is stopping")

// Recorder keeps what happened. None of its methods may block: a caller is waiting.
type Recorder interface {
	// Begin keeps the beginning of a call, so that a crash leaves an interrupted record, not a hole.
	Begin(c ringside.Call)
	// Update keeps a later state of a call that has begun.
	Update(c ringside.Call)
	// Finish keeps the record of a finished call with the turns and talks that it changed.
	Finish(c ringside.Call, turns []ringside.Turn, talks []ringside.Talk)
}

// Contacts finds who a caller is. It is asked on the in-call path: it may not touch the network.
type Contacts interface {
	Contact(n ringside.Number) (ringside.Contact, bool)
}

// Options make a Switchboard.
type Options struct {
	// Node begins every call id; it must be the same after a restart.
	Node     string
	Log      *slog.Logger
	Recorder Recorder
	Contacts Contacts // nil: callers are unknown
	// Random gives the random numbers for decisions; nil uses the runtime's generator.
	Random func() uint64
	// Rest is how long a member who let a call from a queue ring out is left alone by queues,
	// Absence how long one who could not be reached counts as unreachable. Zero is 5 s and 30 s.
	Rest, Absence time.Duration
	// Turns and Talks are the state of the last run.
	Turns []ringside.Turn
	Talks []ringside.Talk
}

// Switchboard implements ringside.Handler. Make it with New.
type Switchboard struct {
	opt       Options
	directory atomic.Pointer[routing.Compiled]
	// offered is when the last call came in, in nanoseconds since 1970.
	offered atomic.Int64

	mu     sync.Mutex
	live   map[string]*call
	lines  map[string]*line
	turns  map[turnKey]uint64
	last   map[int64]uint64 // the count of a group's latest turn
	queues map[int64]*queue
	leases leases
	// recent are released calls, which the dialplan may still report on.
	recent    map[string]*call
	recentIDs []string
	// pending are the calls that have begun and are not with the recorder yet.
	pending map[string]*pending
	alarm   alarm
	closed  bool

	watch watchers
}

type turnKey struct {
	group  int64
	number string
}

// New makes a switchboard without a directory: until SetDirectory, every call is released.
func New(opt Options) *Switchboard {
	opt.Rest = cmp.Or(opt.Rest, 5*time.Second)
	opt.Absence = cmp.Or(opt.Absence, 30*time.Second)
	if opt.Random == nil {
		opt.Random = rand.Uint64
	}
	s := &Switchboard{
		opt:     opt,
		live:    map[string]*call{},
		lines:   map[string]*line{},
		turns:   map[turnKey]uint64{},
		last:    map[int64]uint64{},
		queues:  map[int64]*queue{},
		recent:  map[string]*call{},
		pending: map[string]*pending{},
	}
	for _, t := range opt.Turns {
		s.turns[turnKey{t.Group, t.Number}] = t.Count
		s.last[t.Group] = max(s.last[t.Group], t.Count)
	}
	for _, t := range opt.Talks {
		s.line(t.Number).lastTalk = t.End
	}
	s.watch.init()
	return s
}

// SetDirectory puts a directory in effect for calls that begin from now on; calls in progress keep
// theirs.
func (s *Switchboard) SetDirectory(c *routing.Compiled) { s.directory.Store(c) }

// Directory is the directory in effect; nil if there is none.
func (s *Switchboard) Directory() *routing.Compiled { return s.directory.Load() }

// Close stops the switchboard's timers. Calls that are still being served end with their channels.
func (s *Switchboard) Close() {
	s.mu.Lock()
	s.closed = true
	s.alarm.stop()
	s.mu.Unlock()
	s.watch.close()
}
