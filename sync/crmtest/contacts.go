package crmtest

import (
	"errors"
	"net/http"
	"reflect"

	"github.com/ringside-pbx/ringside"
	crmsync "github.com/ringside-pbx/ringside/sync"
)

func (c *CRM) getContacts(w http.ResponseWriter, r *http.Request, _ []byte) {
	c.mu.Lock()
	at, known := c.position(r.URL.Query().Get("since"), c.contacts.last)
	if !known {
		c.mu.Unlock()
		gone(w)
		return
	}
	list, next, more := c.contacts.page(at, c.opt.PageSize)
	page := crmsync.ContactPage{Contacts: list, Cursor: c.cursor(next), More: more}
	c.mu.Unlock()
	c.settled(w, page)
}

// PutContact makes contacts what is given; those that are so already have not changed.
func (c *CRM) PutContact(contacts ...ringside.ContactChange) error {
	for _, one := range contacts {
		if one.ID == "" {
			return errors.New("a contact has no id")
		}
	}
	c.mu.Lock()
	for _, one := range contacts {
		if old, ok := c.contacts.get(one.ID); ok && reflect.DeepEqual(old, one) {
			continue
		}
		c.contacts.put(one.ID, one)
		c.journal.put(&entry{Kind: entryContact, Contact: &one})
	}
	c.mu.Unlock()
	return c.journal.flush()
}

// DeleteContact leaves a tombstone of a contact.
func (c *CRM) DeleteContact(id string) error {
	return c.PutContact(ringside.ContactChange{ID: id, Deleted: true})
}
