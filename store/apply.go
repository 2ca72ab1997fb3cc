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
	data := r.data
	where, known := t.ref(r.id)
	if !known {
		where = ref{at: r.at}
		t.gained.calls++
	} else {
		// The call keeps the place that it has, and the newest revision is the only one to be sent.
		var err error
		if data, err = r.join(t.calls.Get(callKey(where.at, r.id))); err != nil {
			return err
		}
		if err := t.supersede(cdrLane, r.id, where); err != nil {
			return err
		}
	}
	if err := t.calls.Put(callKey(where.at, r.id), data); err != nil {
		return err
	}
	if err := t.enqueue(callLane, r.id, where); err != nil {
		return err
	}
	if err := t.begun.Delete([]byte(r.id)); err != nil {
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
