package control

import (
	"context"

	"github.com/ringside-pbx/ringside"
)

// Directories is the part of a Daemon that keeps the directory. What is refused is ErrRefused, what is
// not there ErrNotFound.
type Directories interface {
	// LoadDirectory puts a document in effect as a whole, holds it, or changes nothing.
	LoadDirectory(ctx context.Context, l DirectoryLoad) (DirectoryOutcome, error)
	// EditDirectory changes one entity.
	EditDirectory(ctx context.Context, e DirectoryEdit) (DirectoryOutcome, error)
	// Edits gives the edits that are known, the oldest first, without secrets.
	Edits(ctx context.Context) ([]ringside.Edit, error)
	// ForgetEdits forgets the rejected edits and says how many there were.
	ForgetEdits(ctx context.Context) (int, error)
	// Editions gives the newest first, at most limit.
	Editions(ctx context.Context, limit int) ([]ringside.Edition, error)
	// Edition gives one with its directory, without secrets; 0 is the one in effect.
	Edition(ctx context.Context, n uint64) (EditionDocument, error)
	// DecideEdition confirms, discards or goes back to an edition.
	DecideEdition(ctx context.Context, d EditionDecision) (DirectoryOutcome, error)
}

// DirectoryLoad is a document that is to be put in effect.
type DirectoryLoad struct {
	// Source is the file's name, Author who loads it.
	Source string
	Author string
	// Confirmed: it is meant, whatever gets lost.
	Confirmed bool
	// Document is the directory as JSON, with its secrets.
	Document []byte
}

// DirectoryEdit is a change of one entity.
type DirectoryEdit struct {
	Edit ringside.Edit `json:"edit"`
	// Confirmed: it is meant, whatever gets lost.
	Confirmed bool `json:"confirmed,omitempty"`
}

// Verdict is what is decided about an edition.
type Verdict string

// The verdicts.
const (
	ConfirmEdition Verdict = "confirm"
	DiscardEdition Verdict = "discard"
	RollBack       Verdict = "rollback"
)

// EditionDecision is a decision about the edition n; with 0, about the one that is held.
type EditionDecision struct {
	Number  uint64  `json:"number"`
	Verdict Verdict `json:"verdict"`
	Author  string  `json:"author,omitempty"`
}

// DirectoryOutcome tells what became of a change.
type DirectoryOutcome struct {
	// Result is "applied", "unchanged" or "held".
	Result  string           `json:"result"`
	Edition ringside.Edition `json:"edition"`
	// Problems are the document's; of an edit, those that it brings.
	Problems []ringside.Problem `json:"problems"`
	// Edit is the edit as it was taken, without secrets.
	Edit *ringside.Edit `json:"edit,omitempty"`
	// Unsaved is why the disk does not have it, which works nonetheless.
	Unsaved string `json:"unsaved,omitempty"`
	// State is the directory in effect afterwards.
	State DirectoryState `json:"state"`
}

// EditionDocument is an edition with its directory.
type EditionDocument struct {
	Edition  ringside.Edition    `json:"edition"`
	Document *ringside.Directory `json:"document"`
}
