package store

import (
	"encoding/binary"
	"fmt"

	"github.com/ringside-pbx/ringside"
)

// lane is one of the outboxes.
type lane int

const (
	callLane lane = iota
	cdrLane
	lanes
)

func (l lane) kind() ringside.ParcelKind {
	if l == cdrLane {
		return ringside.CDRParcel
	}
	return ringside.CallParcel
}

func laneOf(kind ringside.ParcelKind) (lane, error) {
	for l := range lanes {
		if l.kind() == kind {
			return l, nil
		}
	}
	return 0, fmt.Errorf("%w: there is no outbox for %q", ErrInvalid, kind)
}

// parcel is an entry of an outbox: the call and the size of its record.
type parcel struct {
	at   uint64
	size uint32
	id   string
}

const parcelHead = 12 // bytes of at and size, before the id

func (p parcel) encode() []byte {
	b := binary.BigEndian.AppendUint32(number(p.at), p.size)
	return append(b, p.id...)
}

func readParcel(b []byte) (p parcel, ok bool) {
	if len(b) <= parcelHead {
		return p, false
	}
	return parcel{at: readNumber(b), size: binary.BigEndian.Uint32(b[8:]), id: string(b[parcelHead:])}, true
}

// enqueue puts a recorded call at the end of an outbox, and with that takes its older parcel of the
// kind from there and from the rejected.
func (t *tables) enqueue(l lane, id string, r ref) error {
	if err := t.supersede(l, id, r); err != nil {
		return err
	}
	seq, err := t.outboxes[l].NextSequence()
	if err != nil {
		return err
	}
	p := parcel{at: r.at, size: uint32(len(t.calls.Get(callKey(r.at, id)))), id: id}
	if err := t.outboxes[l].Put(number(seq), p.encode()); err != nil {
		return err
	}
	t.gained.waiting[l]++
	if l == callLane {
		t.gained.bytes += int64(p.size)
	}
	t.grown[l] = true
	r.seqs[l] = seq
	return t.putRef(id, r)
}

// supersede takes the call's parcel of the kind out of wherever it is.
func (t *tables) supersede(l lane, id string, r ref) error {
	if err := t.unsend(l, r.seqs[l]); err != nil {
		return err
	}
	return t.unreject(l, id)
}

// unsend takes the parcel with the sequence out of the outbox, if it is still there.
func (t *tables) unsend(l lane, seq uint64) error {
	key := number(seq)
	value := t.outboxes[l].Get(key)
	if value == nil {
		return nil
	}
	t.gained.waiting[l]--
	if p, ok := readParcel(value); ok && l == callLane {
		t.gained.bytes -= int64(p.size)
	}
	return t.outboxes[l].Delete(key)
}

// waits reports whether the call has a parcel in the outbox.
func (t *tables) waits(l lane, r ref) bool {
	return t.outboxes[l].Get(number(r.seqs[l])) != nil
}
