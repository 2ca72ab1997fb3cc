package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/ringside-pbx/ringside"
)

const (
	// maxEditions and maxDocuments bound the editions that are kept: how many, and the bytes of their
	// compressed documents.
	maxEditions  = 100
	maxDocuments = 64 << 20
)

// The keys of the directory's table.
const (
	currentKey  = "current"
	baseKey     = "base"
	baseDataKey = "base data"
)

// SaveEdition writes all of w in one transaction and gives the edition as it is kept, when that is on
// the disk; its size and digest are worked out. Without a Document and a Number there is no edition to
// write, and only the base and the edits are. ErrInvalid: what can't be kept, or an edition that is
// not there; nothing is written then. Of the editions, the newest 100 are kept, with no more than 64 MiB of compressed
// documents; the one in effect and those that are held stay in any case.
func (s *Store) SaveEdition(ctx context.Context, w ringside.EditionWrite) (ringside.Edition, error) {
	p, err := s.prepareEdition(w)
	if err == nil {
		err = s.await(ctx, &entry{size: p.size, apply: p.apply}, "")
	}
	if err == nil && p.missing {
		err = fmt.Errorf("%w: there is no edition %d", ErrInvalid, w.Edition.Number)
	}
	if err != nil {
		return ringside.Edition{}, fmt.Errorf("save edition: %w", err)
	}
	return p.saved, nil
}

// editionWrite is a ringside.EditionWrite on its way to the disk.
type editionWrite struct {
	edition      ringside.Edition
	document     []byte // packed; nil leaves the one that is there
	current      bool
	baseHeader   []byte
	baseDocument []byte
	edits        []row
	drop         []string
	size         int

	// The outcome.
	saved   ringside.Edition
	missing bool
}

func (s *Store) prepareEdition(w ringside.EditionWrite) (*editionWrite, error) {
	p := &editionWrite{edition: w.Edition, current: w.Current, drop: slices.Clone(w.DropEdits), size: 256}
	e := &p.edition
	if e.Number == 0 && w.Document == nil && (w.Current || e.Version != "" || e.State != "") {
		return nil, fmt.Errorf("%w: a new edition needs a document", ErrInvalid)
	}
	e.Losses, e.Changes = slices.Clone(e.Losses), slices.Clone(e.Changes)
	if e.Time.IsZero() {
		e.Time = s.opt.Now()
	}
	if w.Document != nil {
		sum := sha256.Sum256(w.Document)
		e.Size, e.Digest = len(w.Document), hex.EncodeToString(sum[:])
		var err error
		if p.document, err = pack(w.Document); err != nil {
			return nil, err
		}
	}
	header, err := json.Marshal(e) // what can't be encoded must not reach the writer
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if w.Base != nil {
		if p.baseHeader, err = json.Marshal(w.Base); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		if p.baseDocument, err = pack(w.Base.Data); err != nil {
			return nil, err
		}
	}
	if p.edits, err = editRows(w.Edits); err != nil {
		return nil, err
	}
	for _, r := range p.edits {
		p.size += len(r.value)
	}
	p.size += len(header) + len(p.document) + len(p.baseHeader) + len(p.baseDocument)
	return p, nil
}

// apply writes it, or nothing if the edition is missing.
func (p *editionWrite) apply(t *tables) error {
	p.saved, p.missing = p.edition, false
	if p.edition.Number != 0 || p.document != nil {
		if err := p.applyEdition(t); err != nil || p.missing {
			return err
		}
	}
	if p.baseHeader != nil {
		if err := t.directory.Put([]byte(baseKey), p.baseHeader); err != nil {
			return err
		}
		if err := t.directory.Put([]byte(baseDataKey), p.baseDocument); err != nil {
			return err
		}
	}
	return p.applyEdits(t)
}

func (p *editionWrite) applyEdition(t *tables) error {
	e := &p.saved
	if e.Number == 0 {
		n, err := t.editions.NextSequence()
		if err != nil {
			return err
		}
		e.Number = n
	} else {
		old := t.editions.Get(number(e.Number))
		if p.missing = old == nil; p.missing {
			return nil
		}
		if p.document == nil {
			var kept ringside.Edition
			_ = json.Unmarshal(old, &kept) // of one that can't be read, what the caller says is the best there is
			if kept.Digest != "" {
				e.Size, e.Digest = kept.Size, kept.Digest
			}
		}
	}
	key := number(e.Number)
	header, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if err := t.editions.Put(key, header); err != nil {
		return err
	}
	if p.document != nil {
		if err := t.documents.Put(key, p.document); err != nil {
			return err
		}
	}
	if p.current {
		if err := t.directory.Put([]byte(currentKey), key); err != nil {
			return err
		}
	}
	return t.pruneEditions()
}

// pruneEditions removes the oldest editions beyond what is kept.
func (t *tables) pruneEditions() error {
	current := readNumber(t.directory.Get([]byte(currentKey)))
	var gone [][]byte
	count, size := 0, 0
	c := t.editions.Cursor()
	for k, v := c.Last(); k != nil; k, v = c.Prev() {
		count++
		size += len(t.documents.Get(k))
		if count == 1 || count <= maxEditions && size <= maxDocuments || readNumber(k) == current {
			continue
		}
		var e ringside.Edition
		if json.Unmarshal(v, &e) == nil && e.State == ringside.EditionHeld {
			continue
		}
		gone = append(gone, number(readNumber(k)))
	}
	for _, k := range gone {
		if err := t.editions.Delete(k); err != nil {
			return err
		}
		if err := t.documents.Delete(k); err != nil {
			return err
		}
	}
	return nil
}
