package ringside

import (
	"strconv"
	"time"
)

// ParcelKind is what a parcel holds. Each kind has an outbox of its own.
type ParcelKind string

// The kinds of parcels. A call's CDRs wait until the CRM has the call itself.
const (
	CallParcel ParcelKind = "call"
	CDRParcel  ParcelKind = "cdrs"
)

// Parcel is a finished call that waits in an outbox. A call has at most one parcel of a kind: that of
// its newest revision.
type Parcel struct {
	// Seq orders the parcels of one kind and is never given twice.
	Seq      uint64
	CallID   string
	Revision int
	// Data is the call's record as JSON, as it is stored.
	Data []byte
}

// DeliveryKey identifies one revision of one call at the CRM, which keeps one effect of it however
// often it arrives: node, call id and revision, of which the id begins with the node's name.
func DeliveryKey(callID string, revision int) string {
	return callID + "/" + strconv.Itoa(revision)
}

// Settlement is the CRM's word on a parcel: it has taken it or refuses it for good.
type Settlement struct {
	Seq uint64
	// Rejection is why the CRM refuses the parcel; nil if it has taken it.
	Rejection *Rejection
	// CDRs: the call has legs, whose CDRs are to be sent next.
	CDRs bool
}

// Rejection is why a parcel is not delivered again by itself.
type Rejection struct {
	// Code is the CRM's short word or an HTTP status, Reason its explanation.
	Code   string    `json:"code,omitempty"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// Rejected is a parcel in the bucket of those that the CRM refuses.
type Rejected struct {
	// ID names it for retry and drop: the kind, a colon and the call's id.
	ID       string     `json:"id"`
	Kind     ParcelKind `json:"kind"`
	CallID   string     `json:"session_id"`
	Revision int        `json:"revision"`
	Rejection
}

// Backlog is what waits to be delivered.
type Backlog struct {
	// Calls and CDRs are how many parcels of each kind wait, Bytes the size of the calls among them.
	Calls int   `json:"calls"`
	CDRs  int   `json:"cdrs"`
	Bytes int64 `json:"bytes"`
	// Oldest is when the oldest of the waiting calls began; zero if none waits.
	Oldest   time.Time `json:"oldest,omitzero"`
	Rejected int       `json:"rejected"`
}

// Disk is the room that records have.
type Disk struct {
	// File is the size of the store, Free what the file system has left, both in bytes.
	File int64 `json:"file"`
	Free int64 `json:"free"`
}

// CallRef names one revision of a recorded call and says where its delivery stands.
type CallRef struct {
	ID       string    `json:"session_id"`
	Revision int       `json:"revision"`
	Start    time.Time `json:"-"`
	Waiting  bool      `json:"-"`
	Rejected bool      `json:"-"`
}
