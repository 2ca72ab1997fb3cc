package store

import (
	"bytes"
	"encoding/json"

	"github.com/ringside-pbx/ringside"
)

// A number that several contacts have leads to one of them; the others wait among the rivals, in the
// order of their changes. The contact from a file has no id and the change 0: it comes last. Numbers
// that one contact has alone, nearly all, cost nothing there.

// rivalKey is the key of a contact that another one shadows at the number.
func rivalKey(phone string, changed uint64, id string) []byte {
	return append(append(rivalPrefix(phone), number(changed)...), id...)
}

// rivalPrefix is what the keys of all rivals at the number begin with, and no other's: the length
// stands first.
func rivalPrefix(phone string) []byte {
	return append([]byte{byte(len(phone))}, phone...)
}

// owner reads whom a row of the contacts is: the id is empty for one from a file.
func owner(value []byte) (id string, ok bool) {
	var c struct {
		ID string `json:"id"`
	}
	err := json.Unmarshal(value, &c)
	return c.ID, err == nil
}

// claim lets the number lead to the contact, which has just changed from what it was at the change
// before, and puts the one it led to among the rivals.
func (t *tables) claim(phone, id string, before uint64, p *person) error {
	key := []byte(phone)
	if row := t.contacts.Get(key); row == nil {
		t.gained.numbers++
	} else if other, ok := owner(row); ok && other != id {
		if err := t.rivals.Delete(rivalKey(phone, before, id)); err != nil {
			return err
		}
		if err := t.shadow(phone, other, row); err != nil {
			return err
		}
	}
	value, err := json.Marshal(p.contact(id, phone))
	if err != nil {
		return err
	}
	return t.contacts.Put(key, value)
}

// shadow puts the contact whose row is about to be replaced among the rivals.
func (t *tables) shadow(phone, id string, row []byte) error {
	if id == "" {
		return t.rivals.Put(rivalKey(phone, 0, ""), bytes.Clone(row))
	}
	p, ok := t.person(id)
	if !ok {
		return nil // a row that a damaged file has left
	}
	return t.rivals.Put(rivalKey(phone, p.Changed, id), nil)
}

// release ends the contact's claim to the number, which leads to the next rival from then on.
func (t *tables) release(phone, id string, changed uint64) error {
	key := []byte(phone)
	row := t.contacts.Get(key)
	if row == nil {
		return nil
	}
	if other, ok := owner(row); ok && other != id {
		return t.rivals.Delete(rivalKey(phone, changed, id))
	}
	value, err := t.heir(phone)
	if err != nil {
		return err
	}
	if value == nil {
		t.gained.numbers--
		return t.contacts.Delete(key)
	}
	return t.contacts.Put(key, value)
}

// heir takes the rival that changed last and gives its row for the number; nil if there is none.
func (t *tables) heir(phone string) ([]byte, error) {
	prefix := rivalPrefix(phone)
	end := append(bytes.Clone(prefix), bytes.Repeat([]byte{0xff}, 8)...)
	for {
		k, v := first(t.rivals.Cursor(), nil, end, true)
		if k == nil || !bytes.HasPrefix(k, prefix) || len(k) < len(prefix)+8 {
			return nil, nil
		}
		id, value := string(k[len(prefix)+8:]), bytes.Clone(v)
		if err := t.rivals.Delete(bytes.Clone(k)); err != nil {
			return nil, err
		}
		if id == "" {
			return value, nil
		}
		if p, ok := t.person(id); ok {
			return json.Marshal(p.contact(id, phone))
		}
	}
}

// load keeps a contact from a file: it answers to its number unless one of the CRM does.
func (t *tables) load(c ringside.Contact, value []byte) error {
	key := []byte(c.Phone)
	row := t.contacts.Get(key)
	if row == nil {
		t.gained.numbers++
	} else if id, ok := owner(row); ok && id != "" {
		return t.rivals.Put(rivalKey(c.Phone, 0, ""), value)
	}
	return t.contacts.Put(key, value)
}
