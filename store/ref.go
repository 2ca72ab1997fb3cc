package store

// ref is the index's word on a call: the time that it is filed under, and the sequence of the newest
// parcel of each kind. A parcel that has been settled is no longer in its outbox.
type ref struct {
	at   uint64
	seqs [lanes]uint64
}

// ref looks a call up in the index.
func (t *tables) ref(id string) (ref, bool) { return readRef(t.index.Get([]byte(id))) }

func readRef(b []byte) (r ref, ok bool) {
	// Schema 1 knew no CDRs and wrote 16 bytes.
	if len(b) != 16 && len(b) != 24 {
		return r, false
	}
	r.at, r.seqs[callLane] = readNumber(b), readNumber(b[8:])
	r.seqs[cdrLane] = readNumber(b[16:])
	return r, true
}

func (t *tables) putRef(id string, r ref) error {
	b := append(number(r.at), number(r.seqs[callLane])...)
	if r.seqs[cdrLane] != 0 {
		b = append(b, number(r.seqs[cdrLane])...)
	}
	return t.index.Put([]byte(id), b)
}
