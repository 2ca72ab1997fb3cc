package store

import (
	"bytes"
	"encoding/json"

	"github.com/ringside-pbx/ringside"
)

func (r *Report) call(t *tables, k, v []byte) {
	var c ringside.Call
	if err := json.Unmarshal(v, &c); err != nil {
		r.add("call %x: %v", k, err)
		return
	}
	ref := t.index.Get([]byte(c.ID))
	switch {
	case len(k) < 8 || string(k[8:]) != c.ID:
		r.add("call %s: it has another key", c.ID)
	case ref == nil || !bytes.Equal(ref[:min(8, len(ref))], k[:8]):
		r.add("call %s: the index does not lead to it", c.ID)
	case c.Live():
		r.add("call %s: it has not ended", c.ID)
	}
}

func (r *Report) index(t *tables, k, v []byte) {
	if where, ok := readRef(v); !ok || t.calls.Get(callKey(where.at, string(k))) == nil {
		r.add("index %s: it leads nowhere", k)
	}
}

func (r *Report) parcel(t *tables, l lane, k, v []byte) {
	p, ok := readParcel(v)
	record := t.calls.Get(callKey(p.at, p.id))
	where, _ := t.ref(p.id)
	switch {
	case len(k) != 8 || !ok || record == nil:
		r.add("outbox of %s %x: there is no such call", l.kind(), k)
	case where.seqs[l] != readNumber(k):
		r.add("outbox of %s %x: the call has a newer entry", l.kind(), k)
	case readNumber(k) > t.outboxes[l].Sequence():
		r.add("outbox of %s %x: the sequence is behind it", l.kind(), k)
	case int(p.size) != len(record):
		r.add("outbox of %s %x: it counts %d bytes of %d", l.kind(), k, p.size, len(record))
	case t.isRejected(l, p.id):
		r.add("outbox of %s %x: the call is rejected", l.kind(), k)
	}
	if l == callLane {
		r.OutboxBytes += int64(p.size)
	}
}

func (r *Report) rejected(t *tables, k, v []byte) {
	var row ringside.Rejected
	l, id, ok := splitRejected(string(k))
	if err := json.Unmarshal(v, &row); err != nil || !ok {
		r.add("rejected %q: it can't be read", k)
		return
	}
	switch {
	case row.ID != string(k) || row.CallID != id || row.Kind != l.kind():
		r.add("rejected %q: it has another key", k)
	case row.Code != Unreadable && t.index.Get([]byte(id)) == nil:
		r.add("rejected %q: there is no such call", k)
	}
}

func (r *Report) annotation(t *tables, k, v []byte) {
	var a ringside.Annotation
	if err := json.Unmarshal(v, &a); err != nil {
		r.add("annotation of call %s: %v", k, err)
	} else if a.CallID != string(k) || t.index.Get(k) == nil && t.begun.Get(k) == nil {
		r.add("annotation of call %s: there is no such call", k)
	}
}

func (r *Report) begun(t *tables, k, v []byte) {
	var c, done ringside.Call
	if err := json.Unmarshal(v, &c); err != nil {
		r.add("begun call %s: %v", k, err)
		return
	}
	if where, ok := t.ref(string(k)); ok {
		finished := t.calls.Get(callKey(where.at, string(k)))
		if json.Unmarshal(finished, &done) == nil && c.Revision < done.Revision {
			r.add("begun call %s: it is finished", k)
		}
	}
}

func (r *Report) turn(_ *tables, k, v []byte) {
	if len(k) <= 8 || len(v) != 8 {
		r.add("turn %x: malformed", k)
	}
}

func (r *Report) talk(_ *tables, k, v []byte) {
	if len(v) != 8 {
		r.add("last talk of %s: malformed", k)
	}
}
