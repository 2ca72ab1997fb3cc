package store

import (
	"encoding/binary"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// The buckets, by name. All keys that are numbers or times are big-endian, so that their order is
// that of the bytes.
const (
	metaTable      = "meta"      // "schema", "batch", "alive" → number
	callsTable     = "calls"     // start, id → the finished call as JSON
	indexTable     = "index"     // id → start, sequence of the newest outbox entry
	begunTable     = "begun"     // id → the call so far as JSON
	outboxTable    = "outbox"    // sequence → start, id: the key of the call
	turnsTable     = "turns"     // group, number → count
	talksTable     = "talks"     // number → end of the last talk
	directoryTable = "directory" // "header" → JSON, "data" → the document as received
	cursorsTable   = "cursors"   // name → opaque value
	contactsTable  = "contacts"  // telephone number → the contact as JSON
)

func tableNames() []string {
	return []string{
		metaTable, callsTable, indexTable, begunTable, outboxTable, turnsTable, talksTable,
		directoryTable, cursorsTable, contactsTable,
	}
}

// tables are the buckets within one transaction.
type tables struct {
	meta, calls, index, begun, outbox, turns, talks, directory, cursors, contacts *bolt.Bucket

	// gained are the calls and outbox entries that the transaction adds.
	gained counts
}

// counts is how many records there are, or how many more.
type counts struct{ calls, outbox int }

func open(tx *bolt.Tx) (*tables, error) {
	t := &tables{}
	for name, b := range map[string]**bolt.Bucket{
		metaTable: &t.meta, callsTable: &t.calls, indexTable: &t.index, begunTable: &t.begun,
		outboxTable: &t.outbox, turnsTable: &t.turns, talksTable: &t.talks,
		directoryTable: &t.directory, cursorsTable: &t.cursors, contactsTable: &t.contacts,
	} {
		if *b = tx.Bucket([]byte(name)); *b == nil {
			return nil, fmt.Errorf("%w: table %s is missing", ErrDamaged, name)
		}
	}
	// Both grow at their end: full pages there are never split again.
	t.calls.FillPercent = 0.9
	t.outbox.FillPercent = 1
	return t, nil
}

// number is a number as a key or value.
func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// readNumber gives the number at the start of b; 0 if there is none.
func readNumber(b []byte) uint64 {
	if len(b) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

// stamp gives t in nanoseconds since 1970 within what 64 bits hold, so that a wrong clock gives a
// wrong place and not a broken order.
func stamp(t time.Time) uint64 {
	const last = int64(1<<63-1) / int64(time.Second)
	switch sec := t.Unix(); {
	case sec < 0:
		return 0
	case sec >= last:
		return uint64(last) * uint64(time.Second)
	}
	return uint64(t.UnixNano())
}

// unstamp is the time of a stamp, in UTC; the zero time for 0.
func unstamp(n uint64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(int64(n/uint64(time.Second)), int64(n%uint64(time.Second))).UTC()
}

// callKey is the key of a call that is filed under the time at.
func callKey(at uint64, id string) []byte {
	return append(number(at), id...)
}
