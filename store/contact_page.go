package store

import (
	"context"
	"fmt"

	"github.com/ringside-pbx/ringside"
)

// ApplyContacts makes the CRM's contacts what one page of changes says and sets the cursor behind
// the page, in one transaction; it returns when that is on the disk. The generation marks a complete
// reading of the contacts, for SweepContacts. What can't be kept never stops a page: a change
// without an id and a number that is empty or too long are skipped, long names are cut, and a link or
// owner that is too long is left out. An empty cursor removes the cursor.
func (s *Store) ApplyContacts(ctx context.Context, changes []ringside.ContactChange, generation uint64, cursorName string, cursor []byte) error {
	setCursor, err := cursorEntry(cursorName, cursor)
	if err != nil {
		return fmt.Errorf("apply contacts: %w", err)
	}
	type change struct {
		id  string
		now *person // nil: it is no more
	}
	page, size, skipped := make([]change, 0, len(changes)), setCursor.size, 0
	for _, c := range changes {
		if fit(c.ID, maxPersonID) == "" {
			skipped++
			continue
		}
		next := change{id: c.ID}
		if size += 64 + len(c.ID); !c.Deleted {
			var n int
			next.now, n = newPerson(c, generation)
			skipped += n
			size += 64*len(next.now.Phones) + len(next.now.Name) + len(next.now.Company) + len(next.now.URL) + len(next.now.Owner)
		}
		page = append(page, next)
	}
	if skipped > 0 {
		s.opt.Log.Warn("contacts or numbers of the CRM can't be kept and are left out", "of", len(changes), "left_out", skipped)
	}
	e := &entry{size: size, apply: func(t *tables) error {
		for _, c := range page {
			if err := t.applyContact(c.id, c.now); err != nil {
				return err
			}
		}
		return setCursor.apply(t)
	}}
	if err := s.await(ctx, e, ""); err != nil {
		return fmt.Errorf("apply %d contacts: %w", len(changes), err)
	}
	return nil
}

func (t *tables) applyContact(id string, now *person) error {
	if now == nil {
		return t.removePerson(id)
	}
	return t.change(id, now)
}
