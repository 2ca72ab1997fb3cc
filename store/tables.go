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
	metaTable        = "meta"        // "schema", "batch", "alive" → number
	callsTable       = "calls"       // start, id → the finished call as JSON
	indexTable       = "index"       // id → start, sequences of the newest parcels (ref)
	begunTable       = "begun"       // id → the call so far as JSON
	outboxTable      = "outbox"      // sequence → parcel: a call that waits
	cdrsTable        = "cdrs"        // sequence → parcel: a call whose CDRs wait
	rejectedTable    = "rejected"    // kind ":" id → ringside.Rejected as JSON
	annotationsTable = "annotations" // id → ringside.Annotation as JSON
	turnsTable       = "turns"       // group, number → count
	talksTable       = "talks"       // number → end of the last talk
	directoryTable   = "directory"   // "current" → number; "base" → JSON, "base data" → packed document
	editionsTable    = "editions"    // number → ringside.Edition as JSON
	documentsTable   = "documents"   // number → packed document
	editsTable       = "edits"       // id → ringside.Edit as JSON
	cursorsTable     = "cursors"     // name → opaque value
	contactsTable    = "contacts"    // telephone number → the contact that answers to it, as JSON
	peopleTable      = "people"      // the CRM's id of a contact → person as JSON
	rivalsTable      = "rivals"      // number, change, id (rivalKey) → a contact that is shadowed there
)

func tableNames() []string {
	return []string{
		metaTable, callsTable, indexTable, begunTable, outboxTable, cdrsTable, rejectedTable, annotationsTable,
		turnsTable, talksTable, directoryTable, editionsTable, documentsTable, editsTable, cursorsTable,
		contactsTable, peopleTable, rivalsTable,
	}
}

// tables are the buckets within one transaction.
type tables struct {
	meta, calls, index, begun, turns, talks, directory, cursors, contacts *bolt.Bucket
	rejected, annotations, editions, documents, edits, people, rivals     *bolt.Bucket
	outboxes                                                              [lanes]*bolt.Bucket

	// gained is what the transaction adds, grown are the outboxes that something was put into.
	gained counts
	grown  [lanes]bool
}

// counts is how many there are of what is counted all the time, or how many more.
type counts struct {
	calls, rejected, numbers, people int
	waiting                          [lanes]int
	bytes                            int64 // of the calls that wait
}

func open(tx *bolt.Tx) (*tables, error) {
	t := &tables{}
	for name, b := range map[string]**bolt.Bucket{
		metaTable: &t.meta, callsTable: &t.calls, indexTable: &t.index, begunTable: &t.begun,
		outboxTable: &t.outboxes[callLane], cdrsTable: &t.outboxes[cdrLane], rejectedTable: &t.rejected,
		annotationsTable: &t.annotations, turnsTable: &t.turns, talksTable: &t.talks,
		directoryTable: &t.directory, editionsTable: &t.editions, documentsTable: &t.documents, editsTable: &t.edits,
		cursorsTable: &t.cursors, contactsTable: &t.contacts, peopleTable: &t.people, rivalsTable: &t.rivals,
	} {
		if *b = tx.Bucket([]byte(name)); *b == nil {
			return nil, fmt.Errorf("%w: table %s is missing", ErrDamaged, name)
		}
	}
	// These grow at their end: full pages there are never split again.
	t.calls.FillPercent, t.people.FillPercent = 0.9, 0.9
	for _, b := range t.outboxes {
		b.FillPercent = 1
	}
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
