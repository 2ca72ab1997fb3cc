package store

import (
	"encoding/json"
	"log/slog"

	"github.com/ringside-pbx/ringside"
)

// record is a finished call on its way to the disk, with what belongs to it.
type record struct {
	id    string
	at    uint64
	data  []byte
	turns []ringside.Turn
	talks []Talk
	log   *slog.Logger
}

// apply writes the record and all that goes with it.
func (r *record) apply(t *tables) error {
	id, at, data := []byte(r.id), r.at, r.data
	ref := t.index.Get(id)
	if len(ref) != 16 {
		t.gained.calls++
	} else {
		// The call keeps the place that it has, and the newest revision is the only one to be sent.
		at = readNumber(ref)
		var err error
		if data, err = r.join(t.calls.Get(callKey(at, r.id))); err != nil {
			return err
		}
		if err := t.unsend(ref[8:]); err != nil {
			return err
		}
	}
	seq, err := t.outbox.NextSequence()
	if err != nil {
		return err
	}
	key := callKey(at, r.id)
	if err := t.calls.Put(key, data); err != nil {
		return err
	}
	if err := t.outbox.Put(number(seq), key); err != nil {
		return err
	}
	t.gained.outbox++
	if err := t.index.Put(id, append(number(at), number(seq)...)); err != nil {
		return err
	}
	if err := t.begun.Delete(id); err != nil {
		return err
	}
	return r.applyGroup(t)
}

// join makes one record of the one that is there and the new one. One that can't be read is replaced.
func (r *record) join(old []byte) ([]byte, error) {
	var prev, c ringside.Call
	if err := json.Unmarshal(old, &prev); err != nil {
		r.log.Error("earlier part of a call can't be read and is replaced", "call", r.id, "err", err)
		return r.data, nil
	}
	if err := json.Unmarshal(r.data, &c); err != nil {
		return nil, err
	}
	return json.Marshal(c.Continue(prev))
}

// unsend takes the entry with the given sequence out of the outbox, if it is still there.
func (t *tables) unsend(seq []byte) error {
	if t.outbox.Get(seq) == nil {
		return nil
	}
	t.gained.outbox--
	return t.outbox.Delete(seq)
}

// applyGroup writes turns and talks. Calls may be written in another order than they ended in:
// counts and times only grow.
func (r *record) applyGroup(t *tables) error {
	for _, turn := range r.turns {
		key := append(number(uint64(turn.Group)), turn.Number...)
		if turn.Count < readNumber(t.turns.Get(key)) {
			continue
		}
		if err := t.turns.Put(key, number(turn.Count)); err != nil {
			return err
		}
	}
	for _, talk := range r.talks {
		key, end := []byte(talk.Number), stamp(talk.End)
		if end < readNumber(t.talks.Get(key)) {
			continue
		}
		if err := t.talks.Put(key, number(end)); err != nil {
			return err
		}
	}
	return nil
}
