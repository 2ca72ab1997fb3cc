package main

import (
	"bufio"
	"cmp"
	"fmt"

	"github.com/ringside-pbx/ringside"
)

// demoContacts reads contacts for the reference CRM. One without an id goes by its number; those with
// the same id are one contact with several numbers.
func demoContacts(path string) ([]ringside.ContactChange, error) {
	file, err := openFile(path, maxContactsFile)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	list, err := readContacts(bufio.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var contacts []ringside.ContactChange
	at := map[string]int{}
	for _, one := range list {
		id := cmp.Or(one.ID, one.Phone)
		i, known := at[id]
		if !known {
			i = len(contacts)
			at[id] = i
			contacts = append(contacts, ringside.ContactChange{ID: id, Name: one.Name, Company: one.Company, URL: one.URL, Owner: one.Owner})
		}
		contacts[i].Phones = append(contacts[i].Phones, one.Phone)
	}
	return contacts, nil
}
