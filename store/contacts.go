package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/ringside-pbx/ringside"
)

// contactBatch is how many contacts one transaction takes: a load of a million does not make the
// records of calls wait for long.
const contactBatch = 2000

// PutContacts keeps contacts from a file under their telephone numbers; one with the same number is
// replaced, but for one of the CRM, which goes on answering to the number as long as it has it. It
// returns when they are durable. Nothing of a batch that fails is kept; earlier batches are.
func (s *Store) PutContacts(ctx context.Context, contacts []ringside.Contact) error {
	// In the order of their keys, large loads write each page once.
	sorted := slices.Clone(contacts)
	slices.SortStableFunc(sorted, func(a, b ringside.Contact) int { return bytes.Compare([]byte(a.Phone), []byte(b.Phone)) })
	for batch := range slices.Chunk(sorted, contactBatch) {
		if ctx.Err() != nil {
			return fmt.Errorf("keep contacts: %w", context.Cause(ctx))
		}
		if err := s.putContacts(ctx, batch); err != nil {
			return fmt.Errorf("keep contacts: %w", err)
		}
	}
	return nil
}

func (s *Store) putContacts(ctx context.Context, batch []ringside.Contact) error {
	values, size := make([][]byte, len(batch)), 0
	for i := range batch {
		c := &batch[i]
		if c.Phone == "" || len(c.Phone) > ringside.MaxNumber {
			return errors.New("a contact has no telephone number, or a too long one")
		}
		c.ID = "" // ids are the CRM's
		var err error
		if values[i], err = json.Marshal(c); err != nil {
			return err
		}
		size += len(values[i])
	}
	e := &entry{size: size, apply: func(t *tables) error {
		// Loads come in the order of the keys: full pages keep the file, and what of it is mapped,
		// half as large.
		t.contacts.FillPercent = 0.95
		for i, c := range batch {
			if err := t.load(c, values[i]); err != nil {
				return err
			}
		}
		return nil
	}}
	return s.await(ctx, e, "")
}

// Contact finds a caller by the international form of the number, else by the form received. It
// reads what the operating system holds in memory and takes microseconds; a store that can't be read
// knows nobody.
func (s *Store) Contact(n ringside.Number) (c ringside.Contact, ok bool) {
	if n.Raw == "" && n.E164 == "" {
		return c, false
	}
	var value []byte
	err := s.file.read(func(tx *bolt.Tx) error {
		contacts := tx.Bucket([]byte(contactsTable))
		if contacts == nil {
			return nil
		}
		if n.E164 != "" {
			value = bytes.Clone(contacts.Get([]byte(n.E164)))
		}
		if value == nil && n.Raw != "" {
			value = bytes.Clone(contacts.Get([]byte(n.Raw)))
		}
		return nil
	})
	if err != nil || value == nil || json.Unmarshal(value, &c) != nil {
		return ringside.Contact{}, false
	}
	return c, true
}

// Contacts is how many telephone numbers lead to a contact. It counts nothing: the writer keeps the
// total.
func (s *Store) Contacts(ctx context.Context) (int, error) {
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	return s.State().Contacts, nil
}
