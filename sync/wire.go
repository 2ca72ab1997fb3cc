package sync

import (
	"encoding/json"
	"time"

	"github.com/ringside-pbx/ringside"
)

// The paths of the CRM's side, below its base URL.
const (
	PathConfig      = "config"
	PathChanges     = "config/changes"
	PathContacts    = "contacts"
	PathAnnotations = "annotations"
	PathCalls       = "calls"
	PathCallIDs     = "calls/ids"
	PathCDRs        = "cdrs"
	PathEvents      = "events"
	PathHeartbeat   = "heartbeat"
)

// Headers of the contract, beside Authorization, ETag and their like.
const (
	HeaderNode = "X-Ringside-Node"
	// HeaderTimestamp is when a request was signed, in Unix seconds with up to nine decimals.
	HeaderTimestamp = "X-Ringside-Timestamp"
	HeaderSignature = "X-Ringside-Signature"
)

// Bounds of a batch, whichever is reached first.
const (
	MaxBatch      = 500
	MaxBatchBytes = 1 << 20
)

// CallBatch is the body of POST calls.
type CallBatch struct {
	Node  string     `json:"node"`
	Items []CallItem `json:"items"`
}

// CallItem is one revision of a call.
type CallItem struct {
	// Key is ringside.DeliveryKey: the CRM keeps one effect of it.
	Key  string          `json:"key"`
	Call json.RawMessage `json:"call"`
}

// CDRBatch is the body of POST cdrs.
type CDRBatch struct {
	Node  string    `json:"node"`
	Items []CDRItem `json:"items"`
}

// CDRItem is all CDRs of one revision of a call: they are taken or refused together.
type CDRItem struct {
	Key  string         `json:"key"`
	CDRs []ringside.CDR `json:"cdrs"`
}

// Results answer a batch. Only an item that has a result is settled.
type Results struct {
	Results []Result `json:"results"`
}

// Result is the CRM's word on one item.
type Result struct {
	Key    string       `json:"key"`
	Status ResultStatus `json:"status"`
	// Code and Reason explain a rejection or why the item is to be sent again.
	Code   string `json:"code,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// taken reports whether the CRM has the item.
func (r *Result) taken() bool { return r.Status == Accepted || r.Status == Duplicate }

// ResultStatus is the CRM's word in short.
type ResultStatus string

// The results.
const (
	Accepted  ResultStatus = "accepted"
	Duplicate ResultStatus = "duplicate" // it was there already: as good as accepted
	Refused   ResultStatus = "rejected"  // never send it again by itself
	Retry     ResultStatus = "retry"     // not now
)

// EventBatch is the body of POST events.
type EventBatch struct {
	Node   string  `json:"node"`
	Events []Event `json:"events"`
}

// Event is something that has just happened on a call, for screen pops. Events may be lost.
type Event struct {
	// Kind is "ringing", "answered" or "ended".
	Kind       string             `json:"event"`
	CallID     string             `json:"session_id"`
	At         time.Time          `json:"at"`
	Caller     string             `json:"caller_id"`
	CallerE164 string             `json:"caller_e164,omitempty"`
	Called     string             `json:"called_number"`
	Direction  ringside.Direction `json:"direction"`
	// Targets are the extensions that are rung, or the one that has answered.
	Targets []string          `json:"targets,omitempty"`
	Group   *ringside.Ref     `json:"group,omitempty"`
	Contact *ringside.Contact `json:"contact,omitempty"`
	Status  ringside.Status   `json:"status"`
}

// ChangeBatch is the body of POST config/changes. In it, an edit has no state.
type ChangeBatch struct {
	Node    string          `json:"node"`
	Changes []ringside.Edit `json:"changes"`
}

// ChangeResults answer it.
type ChangeResults struct {
	Results []ringside.EditVerdict `json:"results"`
}

// ContactPage is the answer to GET contacts?since=CURSOR. A cursor that the CRM no longer knows is
// answered with 410: the contacts are then read from the beginning.
type ContactPage struct {
	Contacts []ringside.ContactChange `json:"contacts"`
	Cursor   string                   `json:"cursor"`
	// More: there is another page right now.
	More bool `json:"more"`
}

// AnnotationPage is the answer to GET annotations?since=CURSOR.
type AnnotationPage struct {
	Annotations []ringside.Annotation `json:"annotations"`
	Cursor      string                `json:"cursor"`
	More        bool                  `json:"more"`
}

// CallIDPage is the answer to GET calls/ids?node=NODE&from=TIME&to=TIME&cursor=CURSOR: which calls of
// the node that began in [from, to) the CRM has, each with its newest revision.
type CallIDPage struct {
	Calls  []ringside.CallRef `json:"calls"`
	Cursor string             `json:"cursor"`
	More   bool               `json:"more"`
}

// Heartbeat is the body of POST heartbeat.
type Heartbeat struct {
	Node      string           `json:"node"`
	Version   string           `json:"version"`
	Time      time.Time        `json:"time"`
	UptimeSec int64            `json:"uptime_seconds"`
	Live      int              `json:"live_calls"`
	Waiting   int              `json:"waiting_callers"`
	Directory string           `json:"directory_version,omitempty"`
	Backlog   ringside.Backlog `json:"backlog"`
}
