package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ringside-pbx/ringside"
)

type contactsCmd struct {
	Load contactsLoadCmd `cmd:"" help:"Load contacts from a CSV or JSON file, so that callers have names and owners."`
}

type contactsLoadCmd struct {
	File string `arg:"" help:"CSV with a header line (phone,name,company,url,owner), or a JSON list of objects with these keys." type:"path"`
}

// contactBatch is how many contacts go to the daemon in one request.
const contactBatch = 10_000

// Run implements the command.
func (c *contactsLoadCmd) Run(p *program) error {
	file, err := openFile(c.File, maxContactsFile)
	if err != nil {
		return exitError{exitUsage, err}
	}
	defer func() { _ = file.Close() }()
	contacts, err := readContacts(bufio.NewReader(file))
	if err != nil {
		return exitError{exitUsage, fmt.Errorf("%s: %w", c.File, err)}
	}
	daemon, err := p.daemon()
	if err != nil {
		return err
	}
	total := 0
	for len(contacts) > 0 {
		batch := contacts[:min(contactBatch, len(contacts))]
		n, err := daemon.LoadContacts(p.ctx, batch)
		if err != nil {
			return fmt.Errorf("%s loaded, the rest is not: %w", count(total, "contact is", "contacts are"), err)
		}
		total += n
		contacts = contacts[len(batch):]
	}
	_, _ = fmt.Fprintf(p.out, "%s loaded.\n", count(total, "contact is", "contacts are"))
	return nil
}

// readContacts reads all contacts, or none; the error names the line.
func readContacts(r *bufio.Reader) ([]ringside.Contact, error) {
	start, _ := r.Peek(512)
	start = bytes.TrimLeft(start, " \t\r\n")
	if bytes.HasPrefix(start, []byte("{")) {
		return nil, errors.New("it is a JSON object: a list of contacts is needed, such as [{\"phone\": \"+493012345\"}]")
	}
	if bytes.HasPrefix(start, []byte("[")) {
		var all []ringside.Contact
		dec := json.NewDecoder(r)
		dec.DisallowUnknownFields()
		if err := dec.Decode(&all); err != nil {
			return nil, err
		}
		for i, contact := range all {
			if contact.Phone == "" {
				return nil, fmt.Errorf("[%d].phone is missing", i)
			}
		}
		return all, nil
	}
	return readContactsCSV(csv.NewReader(r))
}

func readContactsCSV(r *csv.Reader) (all []ringside.Contact, err error) {
	r.ReuseRecord = true
	var fields []func(*ringside.Contact) *string
	for {
		row, err := r.Read()
		switch {
		case errors.Is(err, io.EOF) && fields == nil:
			return nil, errors.New("line 1: there is no header line")
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, err
		}
		line, _ := r.FieldPos(0)
		if fields == nil {
			if fields, err = contactFields(row); err != nil {
				return nil, fmt.Errorf("line %d: %w", line, err)
			}
			continue
		}
		var contact ringside.Contact
		for i, field := range fields {
			*field(&contact) = strings.Clone(strings.TrimSpace(row[i]))
		}
		if contact.Phone == "" {
			return nil, fmt.Errorf("line %d: phone is missing", line)
		}
		all = append(all, contact)
	}
}

// cut shortens what a message quotes: a file that is no CSV has names as long as the file.
func cut(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

func contactFields(header []string) (fields []func(*ringside.Contact) *string, err error) {
	known := map[string]func(*ringside.Contact) *string{
		"phone":   func(c *ringside.Contact) *string { return &c.Phone },
		"name":    func(c *ringside.Contact) *string { return &c.Name },
		"company": func(c *ringside.Contact) *string { return &c.Company },
		"url":     func(c *ringside.Contact) *string { return &c.URL },
		"owner":   func(c *ringside.Contact) *string { return &c.Owner },
	}
	phone := false
	for _, name := range header {
		name = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))
		field := known[name]
		if field == nil {
			return nil, fmt.Errorf("there is no column %q: use phone, name, company, url, owner", cut(name))
		}
		phone = phone || name == "phone"
		fields = append(fields, field)
	}
	if !phone {
		return nil, errors.New("the column phone is missing")
	}
	return fields, nil
}
