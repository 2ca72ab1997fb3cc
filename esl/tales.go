package esl

import (
	"container/list"
	"sync"
	"time"

	"github.com/ringside-pbx/ringside/internal/condition"
)

// Bounds of what is kept of calls in progress.
const (
	maxTales = 20_000
	// lateEvents is how long a call whose channels have all ended is kept: mod_callcenter tells of a caller's
	// end on the agent's thread.
	lateEvents = time.Second
	// handOver bounds how long the calls that are over may take to be taken when ringside stops.
	handOver = 5 * time.Second
)

// The custom events that tell where a call stays.
const (
	callcenterInfo = "callcenter::info"
	valetInfo      = "valet_parking::info"
)

// tales are the calls in progress: everything that happens to channels that were made for one another, or that
// came to talk with one another. A call is over when all its channels are; a moment later it is handed over
// as one record. One whose first channel nobody has heard of, or whose end nobody has heard of, gives none:
// too much would have to be made up.
type tales struct {
	numbers numbering
	wake    chan struct{}

	mu     sync.Mutex
	parts  map[string]*part
	ended  recent       // channels of calls that were handed over
	open   list.List    // of *tale, the oldest first
	ending []endingTale // without a channel, in the order in which they will be handed over
	over   []*tale      // to be handed over
	round  uint64
	lostAt time.Time
	// dropped counts what there was no room for.
	dropped  uint64
	outcomes condition.Outcomes
}

// endingTale is a call that has no channel any more, unless something has become of it since.
type endingTale struct {
	*tale
	due time.Time
}

func (e endingTale) stale() bool {
	return e.merged || e.finished || e.alive > 0 || !e.tale.due.Equal(e.due)
}

func newTales(numbers numbering) *tales {
	return &tales{numbers: numbers, wake: make(chan struct{}, 1), parts: map[string]*part{}, ended: newRecent()}
}

// events are those from which records are made. CHANNEL_EXECUTE_COMPLETE is the dearest of them, one for each
// application of the dialplan, and the only one that tells of a bridge to somebody who is not registered, of
// voicemail and of announcements.
func (t *tales) events() []string {
	return []string{
		"CHANNEL_CREATE", "CHANNEL_ANSWER", "CHANNEL_BRIDGE", "CHANNEL_UUID", "CHANNEL_EXECUTE_COMPLETE", "CHANNEL_HANGUP_COMPLETE",
		"RECORD_START", "RECORD_STOP", customEvents, callcenterInfo, valetInfo,
	}
}

// digest takes an event.
func (t *tales) digest(e event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e.name() {
	case "CHANNEL_CREATE":
		t.part(e)
	case "CHANNEL_ANSWER":
		t.answered(e)
	case "CHANNEL_BRIDGE":
		t.bridge(e)
	case "CHANNEL_UUID":
		t.rename(e)
	case "CHANNEL_EXECUTE_COMPLETE":
		t.executed(e)
	case "CHANNEL_HANGUP_COMPLETE":
		t.hungUp(e)
	case "RECORD_START", "RECORD_STOP":
		t.recorded(e)
	case callcenterInfo:
		t.queued(e)
	case valetInfo:
		t.parked(e)
	}
}
