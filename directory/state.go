package directory

import (
	"time"

	"github.com/ringside-pbx/ringside"
)

// State is what is in effect at one moment, for a status page. What it points to must not be changed.
type State struct {
	// Loaded: a directory is in effect, and the fields down to Rules are its own.
	Loaded  bool
	Edition uint64
	Version string
	// Source and Author are the edition's; Since is when it took effect.
	Source, Author string
	Since          time.Time
	Problems       []ringside.Problem
	Servers        int
	Numbers        int
	Groups         int
	Rules          int

	// Failure is why the newest document was refused; empty if it was not.
	Failure string
	// Held is the edition that waits for a confirmation; nil if none does.
	Held *ringside.Edition
	// Pending, Accepted and Rejected count the edits that are known.
	Pending, Accepted, Rejected int
	// Unsaved is why the disk lacks the latest changes; empty if it has them.
	Unsaved string
	// CRMVersion is the version of the CRM's last document; ETag is the mark of its newest one,
	// whatever became of it, with which the CRM is asked for a newer one.
	CRMVersion, ETag string
}

// State tells what is in effect. It never waits.
func (k *Keeper) State() State { return *k.state.Load() }

// publish makes the state visible.
func (k *Keeper) publish() {
	s := &State{Failure: k.failure, Unsaved: k.unsaved.text(), ETag: k.etag}
	if k.base != nil {
		s.CRMVersion = k.base.Version
	}
	if k.cur != nil {
		d, e := k.cur.directory(), &k.cur.edition
		s.Loaded, s.Edition, s.Version, s.Source, s.Author, s.Since = true, e.Number, d.Version, e.Source, e.Author, e.Time
		s.Problems = k.cur.problems
		s.Servers, s.Numbers, s.Groups, s.Rules = len(d.Servers), len(d.Numbers), len(d.Groups), len(d.Rules)
	}
	if k.held != nil {
		held := k.held.edition
		s.Held = &held
	}
	for i := range k.edits {
		switch k.edits[i].State {
		case ringside.EditPending:
			s.Pending++
		case ringside.EditAccepted:
			s.Accepted++
		case ringside.EditRejected:
			s.Rejected++
		}
	}
	k.state.Store(s)
}
