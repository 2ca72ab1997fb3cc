package directory

import (
	"cmp"
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/routing"
)

// Keeper keeps the directory in effect. It is safe for any number of goroutines: changes happen one
// after the other, and State waits for none of them.
type Keeper struct {
	opt    Options
	log    *slog.Logger
	now    func() time.Time
	edited chan struct{}
	state  atomic.Pointer[State]

	// busy holds a token while a change is being made; whoever has put it there owns all below.
	busy chan struct{}
	cur  *effective // nil: no directory is in effect
	// base is what the edits lie on, with a CRM: the CRM's document, or another one that was loaded
	// or gone back to and that serves until the CRM sends a newer one. Its version and ETag are the
	// CRM's last ones in either case.
	base    *ringside.Snapshot
	etag    string          // of the newest document of the CRM, whatever became of it
	edits   []ringside.Edit // in the order of their ids
	held    *heldDocument   // nil: nothing waits for a confirmation
	failure string
	unsaved todo
	lastID  int64 // the time in the newest edit's id
	localID int64 // the newest id that was given to an entity here
}

// effective is a directory in effect.
type effective struct {
	draft
	edition ringside.Edition
}

// heldDocument is a document that waits for a confirmation.
type heldDocument struct {
	doc     Document
	digest  string
	edition ringside.Edition
}

// New makes a keeper with nothing in effect: Restore or Offer changes that.
func New(opt Options) *Keeper {
	k := &Keeper{
		opt: opt, log: cmp.Or(opt.Log, slog.Default()), now: opt.Now,
		edited: make(chan struct{}, 1), busy: make(chan struct{}, 1), unsaved: todo{edits: map[string]bool{}},
	}
	if k.now == nil {
		k.now = time.Now
	}
	if opt.Effect == nil {
		k.opt.Effect = func(*routing.Compiled) {}
	}
	k.publish()
	return k
}

// lock waits for its turn to change something, or for ctx to end.
func (k *Keeper) lock(ctx context.Context) error {
	select {
	case k.busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (k *Keeper) unlock() { <-k.busy }

// Edited has a token when edits were made since it was last received from. It is for one receiver,
// who sends them to the CRM.
func (k *Keeper) Edited() <-chan struct{} { return k.edited }

func (k *Keeper) wake() {
	select {
	case k.edited <- struct{}{}:
	default: // there is a token already
	}
}
