package ringside

import (
	"encoding/json"
	"time"
)

// Edit is one change that somebody made to the directory on site. It works at once. With a CRM it is
// pending until the CRM has accepted or rejected it.
type Edit struct {
	// ID is unique and orders the edits of a node.
	ID string `json:"id"`
	// Kind is "server", "number", "group" or "rule", or "directory" for the fields at its top.
	Kind   string `json:"kind"`
	Entity int64  `json:"entity_id,omitempty"`
	Op     EditOp `json:"op"`
	// Fields is the whole entity for create, a merge patch (RFC 7396) for update, nothing for delete.
	Fields json.RawMessage `json:"fields,omitempty"`
	// Base is the CRM's version of the directory that was edited.
	Base   string    `json:"base_version"`
	Author string    `json:"author"`
	At     time.Time `json:"at"`

	State EditState `json:"state,omitempty"`
	// Version is the CRM's version that contains the edit, once it is accepted.
	Version string `json:"version,omitempty"`
	Reason  string `json:"reason,omitempty"`
	// Ours and Theirs are both sides of a rejected edit: the entity as it was edited, and as the CRM
	// has it. Secrets are left out of them.
	Ours   json.RawMessage `json:"ours,omitempty"`
	Theirs json.RawMessage `json:"theirs,omitempty"`
}

// EditOp is what an edit does to its entity.
type EditOp string

// The operations.
const (
	EditCreate EditOp = "create"
	EditUpdate EditOp = "update"
	EditDelete EditOp = "delete"
)

// EditState is how far an edit has come.
type EditState string

// The states of an edit. One without a CRM is final and not kept.
const (
	EditPending  EditState = "pending"
	EditAccepted EditState = "accepted" // until a directory of the CRM contains it
	EditRejected EditState = "rejected"
)

// EditVerdict is the CRM's word on an edit.
type EditVerdict struct {
	ID string `json:"id"`
	// Status is "accepted", "conflict", "rejected" or "retry".
	Status  string          `json:"status"`
	Version string          `json:"version,omitempty"`
	Reason  string          `json:"reason,omitempty"`
	Theirs  json.RawMessage `json:"theirs,omitempty"`
}
