package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/ringside-pbx/ringside"
)

func (r *Report) edition(t *tables, k, v []byte) {
	var e ringside.Edition
	if err := json.Unmarshal(v, &e); err != nil {
		r.add("edition %x: %v", k, err)
		return
	}
	switch {
	case len(k) != 8 || e.Number != readNumber(k):
		r.add("edition %d: it has another key", e.Number)
	case t.documents.Get(k) == nil:
		r.add("edition %d: its document is missing", e.Number)
	case e.Number > t.editions.Sequence():
		r.add("edition %d: the sequence is behind it", e.Number)
	}
}

func (r *Report) document(t *tables, k, _ []byte) {
	if t.editions.Get(k) == nil {
		r.add("document %x: there is no such edition", k)
	}
}

func (r *Report) edit(_ *tables, k, v []byte) {
	var e ringside.Edit
	if err := json.Unmarshal(v, &e); err != nil || e.ID != string(k) {
		r.add("edit %q: it can't be read", k)
	}
}

// directory checks what a start depends on: the edition in effect, and the CRM's document.
func (r *Report) directory(t *tables) {
	if key := t.directory.Get([]byte(currentKey)); key != nil {
		var e ringside.Edition
		if err := json.Unmarshal(t.editions.Get(key), &e); err != nil {
			r.add("directory: the edition in effect is missing: %v", err)
		} else if document, err := unpack(t.documents.Get(key)); err != nil {
			r.add("directory: the document in effect can't be read: %v", err)
		} else if sum := sha256.Sum256(document); hex.EncodeToString(sum[:]) != e.Digest {
			r.add("directory: the document in effect is another than edition %d", e.Number)
		}
	}
	if header := t.directory.Get([]byte(baseKey)); header != nil {
		if _, err := unpack(t.directory.Get([]byte(baseDataKey))); err != nil || json.Unmarshal(header, new(ringside.Snapshot)) != nil {
			r.add("directory: the CRM's can't be read")
		}
	}
}
