package crmtest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/ringside-pbx/ringside"
)

// entry is a line of the data file.
type entry struct {
	Kind       string                  `json:"kind"`
	Key        string                  `json:"key,omitempty"`
	Node       string                  `json:"node,omitempty"`
	Record     json.RawMessage         `json:"record,omitempty"`
	Document   string                  `json:"document,omitempty"`
	At         time.Time               `json:"at,omitzero"`
	Edit       *Edit                   `json:"edit,omitempty"`
	Contact    *ringside.ContactChange `json:"contact,omitempty"`
	Annotation *ringside.Annotation    `json:"annotation,omitempty"`
}

// The kinds of entries.
const (
	entryCall       = "call"
	entryAgain      = "again" // a key of a call arrived without an effect
	entryCDRs       = "cdrs"
	entryDirectory  = "directory"
	entryEdit       = "edit"
	entryContact    = "contact"
	entryAnnotation = "annotation"
	entryCursors    = "cursors"
)

// restore does what an entry tells.
func (c *CRM) restore(e *entry) error {
	switch {
	case e.Kind == entryCall:
		n, _, why := readCall(batchItem{e.Key, e.Record})
		if n == nil {
			return fmt.Errorf("the call: %s", why)
		}
		n.node = e.Node
		c.calls.put(e.Key, n)
	case e.Kind == entryAgain:
		c.calls.arrive(e.Key)
	case e.Kind == entryCDRs:
		n, _, why := readCDRs(batchItem{e.Key, e.Record})
		if why != "" {
			return fmt.Errorf("the CDRs: %s", why)
		}
		c.cdrs[e.Key] = n
	case e.Kind == entryDirectory:
		c.directory.set([]byte(e.Document), e.At)
	case e.Kind == entryEdit && e.Edit != nil:
		return c.restoreEdit(e.Edit)
	case e.Kind == entryContact && e.Contact != nil:
		c.contacts.put(e.Contact.ID, *e.Contact)
	case e.Kind == entryAnnotation && e.Annotation != nil:
		c.annotations.put(e.Annotation.CallID, *e.Annotation)
	case e.Kind == entryCursors:
		c.cursors = e.Key
	default:
		return fmt.Errorf("there is no kind %q of entry", e.Kind)
	}
	return nil
}

func (c *CRM) restoreEdit(one *Edit) error {
	c.noteEdit(*one)
	if one.Verdict.Status != "accepted" {
		return nil
	}
	document, err := one.Edit.Apply(c.directory.document)
	if err != nil {
		return fmt.Errorf("the edit %s: %w", one.Edit.ID, err)
	}
	c.directory.edit(one.Node, document, one.Verdict.Version, &one.Edit)
	return nil
}
