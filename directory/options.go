package directory

import (
	"context"
	"log/slog"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/routing"
)

// Store keeps editions, the base and the edits. Its methods return when the disk has answered.
type Store interface {
	// SaveEdition writes in one transaction and gives the edition with its number.
	SaveEdition(ctx context.Context, w ringside.EditionWrite) (ringside.Edition, error)
	// Current gives the edition in effect with its document.
	Current(ctx context.Context) (ringside.Edition, []byte, bool, error)
	// Base gives the document that the edits lie on.
	Base(ctx context.Context) (ringside.Snapshot, bool, error)
	// Editions gives the newest first, at most limit.
	Editions(ctx context.Context, limit int) ([]ringside.Edition, error)
	Edition(ctx context.Context, n uint64) (ringside.Edition, []byte, bool, error)
	// Edits gives all edits in the order of their ids.
	Edits(ctx context.Context) ([]ringside.Edit, error)
}

// Options are what a Keeper is made of.
type Options struct {
	Store Store
	// Effect puts a directory in effect. It must not call the Keeper.
	Effect func(*routing.Compiled)
	// Log is slog.Default if nil, Now is time.Now if nil.
	Log *slog.Logger
	Now func() time.Time
	// WithCRM: the directory is the CRM's, and edits are pending until it has accepted them.
	WithCRM bool
	// File is the file that the directory comes from, if it comes from one: then nothing else
	// changes it.
	File string
}
