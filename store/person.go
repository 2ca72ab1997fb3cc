package store

import (
	"encoding/json"
	"slices"
	"unicode/utf8"

	"github.com/ringside-pbx/ringside"
)

const (
	// maxPersonID is the longest id of a contact, in bytes, maxPhones how many numbers one may have.
	maxPersonID = 255
	maxPhones   = 100
)

// person is a contact of the CRM with all its numbers.
type person struct {
	Generation uint64 `json:"generation"`
	// Changed orders the changes of all contacts: of those who share a number, the one that was
	// changed last answers to it.
	Changed uint64   `json:"changed"`
	Phones  []string `json:"phones,omitempty"`
	Name    string   `json:"name,omitempty"`
	Company string   `json:"company,omitempty"`
	URL     string   `json:"url,omitempty"`
	Owner   string   `json:"owner,omitempty"`
}

// newPerson takes of a change what can be kept, and counts the numbers that can't.
func newPerson(c ringside.ContactChange, generation uint64) (p *person, skipped int) {
	p = &person{
		Generation: generation, Name: cut(c.Name, maxText), Company: cut(c.Company, maxText),
		URL: fit(c.URL, maxText), Owner: fit(c.Owner, maxText),
	}
	for _, phone := range c.Phones {
		switch {
		case phone == "" || len(phone) > ringside.MaxNumber || !utf8.ValidString(phone) || len(p.Phones) == maxPhones:
			skipped++
		case !slices.Contains(p.Phones, phone):
			p.Phones = append(p.Phones, phone)
		}
	}
	return p, skipped
}

// same reports whether nothing but the generation differs.
func (p *person) same(q *person) bool {
	return slices.Equal(p.Phones, q.Phones) && p.Name == q.Name && p.Company == q.Company && p.URL == q.URL && p.Owner == q.Owner
}

// contact is what a caller's number gives.
func (p *person) contact(id, phone string) ringside.Contact {
	return ringside.Contact{ID: id, Phone: phone, Name: p.Name, Company: p.Company, URL: p.URL, Owner: p.Owner}
}

// person reads a contact of the CRM. One that can't be read is as good as none.
func (t *tables) person(id string) (*person, bool) {
	value := t.people.Get([]byte(id))
	p := &person{}
	if value == nil || json.Unmarshal(value, p) != nil {
		return &person{}, false
	}
	return p, true
}

func (t *tables) putPerson(id string, p *person) error {
	value, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return t.people.Put([]byte(id), value)
}

// change makes the contact what it is now. One that is the same as before keeps its place among
// those who share its numbers.
func (t *tables) change(id string, now *person) error {
	before, known := t.person(id)
	if known && before.same(now) {
		if before.Generation == now.Generation {
			return nil
		}
		now.Changed = before.Changed
		return t.putPerson(id, now)
	}
	var err error
	if now.Changed, err = t.people.NextSequence(); err != nil {
		return err
	}
	if !known && !has(t.people, id) {
		t.gained.people++
	}
	if err := t.putPerson(id, now); err != nil {
		return err
	}
	for _, phone := range before.Phones {
		if slices.Contains(now.Phones, phone) {
			continue
		}
		if err := t.release(phone, id, before.Changed); err != nil {
			return err
		}
	}
	for _, phone := range now.Phones {
		if err := t.claim(phone, id, before.Changed, now); err != nil {
			return err
		}
	}
	return nil
}

// removePerson forgets a contact of the CRM.
func (t *tables) removePerson(id string) error {
	p, _ := t.person(id)
	if t.people.Get([]byte(id)) == nil {
		return nil
	}
	t.gained.people--
	if err := t.people.Delete([]byte(id)); err != nil {
		return err
	}
	for _, phone := range p.Phones {
		if err := t.release(phone, id, p.Changed); err != nil {
			return err
		}
	}
	return nil
}
