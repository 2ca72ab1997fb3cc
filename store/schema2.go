package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	bolt "go.etcd.io/bbolt"

	"github.com/ringside-pbx/ringside"
)

// toSchema2 brings the tables of outboxes, contacts by id and the directory's editions. Parcels learn
// the size of their record, and the one directory becomes edition 1.
func toSchema2(tx *bolt.Tx) error {
	for _, name := range []string{
		cdrsTable, rejectedTable, annotationsTable, editionsTable, documentsTable, editsTable, peopleTable, rivalsTable,
	} {
		if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
			return err
		}
	}
	t, err := open(tx)
	if err != nil {
		return err
	}
	if err := t.sizeParcels(); err != nil {
		return err
	}
	return t.firstEdition()
}

// sizeParcels rewrites the outbox of schema 1, whose values were the keys of the calls. Some rows at a
// time: a bucket must not change while a cursor goes through it.
func (t *tables) sizeParcels() error {
	var low []byte
	for more := true; more; {
		var rows []row
		rows, more = copyRows(t.outboxes[callLane], low, nil, chunkEntries, false)
		for _, r := range rows {
			low = append(r.key, 0)
			p := parcel{at: readNumber(r.value), size: uint32(len(t.calls.Get(r.value))), id: string(r.value[min(8, len(r.value)):])}
			if err := t.outboxes[callLane].Put(r.key, p.encode()); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *tables) firstEdition() error {
	header, data := t.directory.Get([]byte("header")), t.directory.Get([]byte("data"))
	if header != nil {
		var snap ringside.Snapshot
		_ = json.Unmarshal(header, &snap) // the document says itself what the header would have said
		sum := sha256.Sum256(data)
		packed, err := pack(data)
		if err != nil {
			return err
		}
		p := &editionWrite{document: packed, current: true, edition: ringside.Edition{
			Version: snap.Version, Source: snap.Source, Time: snap.Time, State: ringside.EditionApplied,
			Size: len(data), Digest: hex.EncodeToString(sum[:]),
		}}
		if err := p.apply(t); err != nil {
			return err
		}
	}
	for _, key := range []string{"header", "data"} {
		if err := t.directory.Delete([]byte(key)); err != nil {
			return err
		}
	}
	return nil
}
