package store

import (
	"encoding/json"
	"slices"

	"github.com/ringside-pbx/ringside"
)

func (r *Report) contact(t *tables, k, v []byte) {
	var c ringside.Contact
	if err := json.Unmarshal(v, &c); err != nil {
		r.add("contact %q: %v", k, err)
		return
	}
	if c.Phone != string(k) {
		r.add("contact %q is filed under %q", c.Phone, k)
	}
	if c.ID == "" {
		return
	}
	if p, ok := t.person(c.ID); !ok || !slices.Contains(p.Phones, c.Phone) {
		r.add("contact %q: %s does not have the number", k, c.ID)
	}
}

// person checks that each number of the contact leads to it or to one that shadows it.
func (r *Report) person(t *tables, k, v []byte) {
	var p person
	if err := json.Unmarshal(v, &p); err != nil {
		r.add("contact %s: %v", k, err)
		return
	}
	if p.Changed > t.people.Sequence() {
		r.add("contact %s: the sequence is behind its change", k)
	}
	for _, phone := range p.Phones {
		id, ok := owner(t.contacts.Get([]byte(phone)))
		answers := ok && id == string(k)
		if waits := t.rivals.Get(rivalKey(phone, p.Changed, string(k))) != nil; answers == waits {
			r.add("contact %s: its number %q leads to %q", k, phone, id)
		}
	}
}

func (r *Report) rival(t *tables, k, v []byte) {
	size := 1 + int(k[0])
	if len(k) < size+8 {
		r.add("rival %x: malformed", k)
		return
	}
	phone, changed, id := string(k[1:size]), readNumber(k[size:]), string(k[size+8:])
	if other, ok := owner(t.contacts.Get([]byte(phone))); !ok || other == id || other == "" {
		r.add("rival %q: nobody shadows it at %q", id, phone)
	}
	if id == "" {
		var c ringside.Contact
		if json.Unmarshal(v, &c) != nil || c.Phone != phone || changed != 0 {
			r.add("contact %q, which is shadowed, can't be read", phone)
		}
		return
	}
	if p, ok := t.person(id); !ok || p.Changed != changed || !slices.Contains(p.Phones, phone) {
		r.add("rival %q: it does not have the number %q", id, phone)
	}
}
