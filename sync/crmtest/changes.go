package crmtest

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/ringside-pbx/ringside"
	crmsync "github.com/ringside-pbx/ringside/sync"
)

// Edit is an edit that arrived, with the word on it.
type Edit struct {
	Node    string               `json:"node"`
	Edit    ringside.Edit        `json:"edit"`
	Verdict ringside.EditVerdict `json:"verdict"`
}

func (c *CRM) postChanges(w http.ResponseWriter, _ *http.Request, body []byte) {
	var b crmsync.ChangeBatch
	if err := json.Unmarshal(body, &b); err != nil {
		refuse(w, http.StatusUnprocessableEntity, "the body is no batch of changes: "+err.Error())
		return
	}
	res := crmsync.ChangeResults{Results: make([]ringside.EditVerdict, len(b.Changes))}
	c.mu.Lock()
	for i := range b.Changes {
		res.Results[i] = c.takeEdit(b.Node, &b.Changes[i])
	}
	c.mu.Unlock()
	c.settled(w, res)
}

// takeEdit gives the verdict on an edit, the same one however often it is asked. Mutex held.
func (c *CRM) takeEdit(node string, e *ringside.Edit) ringside.EditVerdict {
	if at, known := c.verdicts[e.ID]; known {
		return c.edits[at].Verdict
	}
	if e.ID == "" {
		return ringside.EditVerdict{Status: "rejected", Reason: "the edit has no id"}
	}
	document, v := c.directory.judge(node, e)
	if document != nil {
		v.Version = ringside.NextVersion(c.directory.version, c.opt.Now())
		c.directory.edit(node, document, v.Version, e)
	}
	one := Edit{Node: node, Edit: *e, Verdict: v}
	c.noteEdit(one)
	c.journal.put(&entry{Kind: entryEdit, Edit: &one})
	return v
}

func (c *CRM) noteEdit(one Edit) {
	c.verdicts[one.Edit.ID] = len(c.edits)
	c.edits = append(c.edits, one)
}

// judge gives the document as the edit makes it, nil if it is not accepted.
func (d *directory) judge(node string, e *ringside.Edit) ([]byte, ringside.EditVerdict) {
	v := ringside.EditVerdict{ID: e.ID, Status: "rejected"}
	if err := e.Validate(); err != nil {
		v.Reason = err.Error()
		return nil, v
	}
	changed := d.changedSince(node, entity{e.Kind, e.Entity}, e.Base)
	document, err := e.Apply(d.document)
	switch {
	case changed:
		v.Status, v.Reason = "conflict", "it has changed here since version "+e.Base
	case errors.Is(err, ringside.ErrNoEntity), errors.Is(err, ringside.ErrEntityExists):
		v.Status, v.Reason = "conflict", err.Error()
	case err != nil:
		v.Reason = err.Error()
	default:
		if _, _, err := ringside.DecodeDirectory(document); err != nil {
			v.Reason = "with it, the document is no directory: " + err.Error()
			return nil, v
		}
		v.Status = "accepted"
		return document, v
	}
	if theirs, ok := ringside.Entity(d.document, e.Kind, e.Entity); ok && v.Status == "conflict" {
		v.Theirs = ringside.WithoutSecrets(theirs)
	}
	return nil, v
}

// edit makes the document of an accepted edit the directory.
func (d *directory) edit(node string, document []byte, version string, e *ringside.Edit) {
	if raised, err := ringside.WithVersion(document, version); err == nil {
		document = raised
	}
	d.note(node, document, version)
	// Also where the comparison sees no difference: in a key that it does not know.
	d.touch(entity{e.Kind, e.Entity}, node)
}
