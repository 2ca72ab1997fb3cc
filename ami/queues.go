package ami

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/ringside-pbx/ringside"
)

// Bounds of what events alone can make grow: only lists, which nobody can forge, make queues. They are of
// all queues together.
const (
	maxMembers   = 100_000
	maxCallers   = 20_000
	maxWaiting   = 2_000 // callers of one queue
	maxStrange   = 64    // names of unknown queues that wait for a check
	maxQueueText = 256   // bytes of a value that is kept
)

// queues is the live picture of Asterisk's queues: asked for once, kept by events, compared rarely.
//
// Asterisk writes lists at once and events when it comes to them: an event from before a list may come
// after it. So every event may be applied again to a picture that it is already part of.
type queues struct {
	number func(device string) string
	wake   chan struct{} // tells run of work

	mu      sync.Mutex
	all     map[string]*queue
	order   []*queue            // all, in the order of the sweep
	strange map[string]struct{} // unknown queues that events are about
	members int                 // of all queues
	callers int
	draft   *queueDraft // a list that is being read; nil: there is none
	plan    plan
	figures QueueFigures
	// Of the message that is being taken:
	said    said
	layouts [kinds]layout
	text    []byte // room for the texts of a caller
}

// queue is one of them. All is guarded by the picture's mutex.
type queue struct {
	// about has no members and callers; the positions of callers are those in the slice.
	about   ringside.PBXQueue
	members map[string]*ringside.PBXQueueMember // by interface
	callers []ringside.PBXQueueCaller
	// inLevel counts completed calls within the service level.
	inLevel int
	// again is when the queue is to be compared because events did not fit; zero if they did.
	again time.Time
	// tried is when it was last asked for.
	tried time.Time
}

// QueueFigures tell how well the picture fits.
type QueueFigures struct {
	Queues int
	// Checks counts comparisons with the PBX, Drift those that found a difference (an event that was on
	// its way meanwhile is one, too), Doubts the events that did not fit.
	Checks, Drift, Doubts uint64
}

func newQueues(number func(device string) string) *queues {
	return &queues{
		number: number, wake: make(chan struct{}, 1),
		all: map[string]*queue{}, strange: map[string]struct{}{},
	}
}

func newQueue(name string) *queue {
	return &queue{about: ringside.PBXQueue{Name: name, Stale: true}, members: map[string]*ringside.PBXQueueMember{}}
}

// lost marks what is known as stale.
func (q *queues) lost(time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.draft = nil
	for _, k := range q.order {
		k.about.Stale = true
	}
}

// snapshot copies all queues, by name.
func (q *queues) snapshot() []ringside.PBXQueue {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := make([]ringside.PBXQueue, 0, len(q.order))
	for _, k := range q.order {
		all = append(all, k.snapshot())
	}
	slices.SortFunc(all, func(a, b ringside.PBXQueue) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// one copies a queue.
func (q *queues) one(name string) (ringside.PBXQueue, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	k := q.all[name]
	if k == nil {
		return ringside.PBXQueue{}, false
	}
	return k.snapshot(), true
}

// snapshot copies a queue; members come by name, then by interface.
func (k *queue) snapshot() ringside.PBXQueue {
	s := k.about
	s.Members = make([]ringside.PBXQueueMember, 0, len(k.members))
	for _, m := range k.members {
		s.Members = append(s.Members, *m)
	}
	slices.SortFunc(s.Members, func(a, b ringside.PBXQueueMember) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Interface, b.Interface))
	})
	s.Callers = slices.Clone(k.callers)
	if s.Callers == nil {
		s.Callers = []ringside.PBXQueueCaller{}
	}
	for i := range s.Callers {
		s.Callers[i].Position = i + 1
	}
	return s
}
