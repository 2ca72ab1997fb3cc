package ringside

import "time"

// Edition is a numbered version of the directory, as this node keeps it.
type Edition struct {
	// Number counts the editions of this node from 1.
	Number uint64 `json:"number"`
	// Version is the document's own.
	Version string `json:"version"`
	// Source is where it came from: "crm", "push", a file's name, "edit", "rollback to 5"; Author is
	// who made or brought it.
	Source string       `json:"source"`
	Author string       `json:"author,omitempty"`
	Time   time.Time    `json:"time"`
	State  EditionState `json:"state"`
	// Losses are why it waits for a confirmation.
	Losses []string `json:"losses,omitempty"`
	// Changes say in words how it differs from the edition in effect before it; More counts those
	// that are not listed.
	Changes []string `json:"changes"`
	More    int      `json:"more_changes,omitempty"`
	// Size is the document's, in bytes; Digest is its SHA-256 in hex.
	Size   int    `json:"size"`
	Digest string `json:"digest"`
}

// EditionState is what became of an edition.
type EditionState string

// The states of an edition. One that was in effect stays EditionApplied.
const (
	EditionApplied   EditionState = "applied"
	EditionHeld      EditionState = "held" // waits for a confirmation
	EditionDiscarded EditionState = "discarded"
)

// Snapshot is a directory's document as it was received.
type Snapshot struct {
	// Data is the document, byte for byte.
	Data []byte `json:"-"`
	// Version is the document's own, Source says where it came from, Time when it was accepted.
	Version string    `json:"version"`
	Source  string    `json:"source"`
	Time    time.Time `json:"time"`
	// ETag is the CRM's mark of the document, if it came from there.
	ETag string `json:"etag,omitempty"`
}

// EditionWrite is what one transaction of the store keeps of a change of the directory.
type EditionWrite struct {
	// Edition is its header. With Number 0 it is a new one and gets the next number; with another
	// the header of that edition is replaced.
	Edition Edition
	// Document is the edition's document; nil keeps the one that the edition has.
	Document []byte
	// Current makes it the edition in effect.
	Current bool
	// Base replaces the document that the edits lie on, which is the CRM's as a rule, unless it is nil.
	Base *Snapshot
	// Edits are put, DropEdits removed by their ids.
	Edits     []Edit
	DropEdits []string
}
