package directory

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/routing"
)

// The sources of documents that are the CRM's own; any other source is a file's name or a word for
// what else brought the document.
const (
	SourceCRM  = "crm"  // fetched from the CRM
	SourcePush = "push" // sent by the CRM
)

// Document is a whole directory that somebody offers.
type Document struct {
	// Data is the JSON document. It must not be changed afterwards.
	Data []byte
	// Source is SourceCRM, SourcePush, or a file's name; Author is who brought it.
	Source, Author string
	// ETag is the CRM's mark of the document.
	ETag string
	// Forced: the CRM's document is taken although it is older than its last one.
	Forced bool
	// Confirmed: the document is meant, whatever gets lost.
	Confirmed bool
	// Locate, if there is one, gives a problem its place in the file; Place does so with the errors
	// of a document that is none.
	Locate func(*ringside.Problem)
	Place  func(error) error
}

func (d *Document) fromCRM() bool { return ofCRM(d.Source) }

func ofCRM(source string) bool { return source == SourceCRM || source == SourcePush }

// Result is what became of an offer or an edit.
type Result string

// The results.
const (
	Applied   Result = "applied"
	Unchanged Result = "unchanged" // it is in effect already
	Held      Result = "held"      // it waits for a confirmation
)

// Outcome tells what became of an offer, an edit or a decision about an edition.
type Outcome struct {
	Result Result `json:"result"`
	// Edition is the one that was made, or, if nothing has changed, the one in effect.
	Edition ringside.Edition `json:"edition"`
	// Problems are those of the document; of an edit, those that it brings.
	Problems []ringside.Problem `json:"problems"`
	// Edit is the edit as it was taken, without secrets; nil for all else.
	Edit *ringside.Edit `json:"edit,omitempty"`
	// Unsaved is why the disk does not have it, which works nonetheless; empty if it has.
	Unsaved string `json:"unsaved,omitempty"`
}

// draft is a document that has been read.
type draft struct {
	data     []byte
	compiled *routing.Compiled
	problems []ringside.Problem
	digest   string
}

func (d *draft) directory() *ringside.Directory { return d.compiled.Document() }

// read decodes and compiles a document. The error is ringside.DecodeErrors.
func read(data []byte) (*draft, error) {
	dir, problems, err := ringside.DecodeDirectory(data)
	if err != nil {
		return nil, err
	}
	compiled, more := routing.Compile(dir)
	sum := sha256.Sum256(data)
	return &draft{data, compiled, append(problems, more...), hex.EncodeToString(sum[:])}, nil
}

// locate gives the problems their places.
func (d *draft) locate(place func(*ringside.Problem)) {
	if place == nil {
		return
	}
	for i := range d.problems {
		place(&d.problems[i])
	}
}

// same reports whether two documents mean the same: byte for byte, or under one version.
func (d *draft) same(other *draft) bool {
	a, b := d.directory(), other.directory()
	return d.digest == other.digest || a.Version == b.Version && len(ringside.Compare(a, b)) == 0
}
