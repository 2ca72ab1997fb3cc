package control

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/ringside-pbx/ringside"
)

// ErrNotFound says that there is no such call or edition.
var ErrNotFound = errors.New("not found")

// ErrRefused says that the request was understood and can't be carried out; the text says why.
var ErrRefused = errors.New("refused")

// Daemon is what the control socket speaks for. Client implements it, too.
type Daemon interface {
	Status(ctx context.Context) (Status, error)
	Route(ctx context.Context, r RouteRequest) (ringside.Explained, error)
	// Calls gives live and finished calls, the newest last.
	Calls(ctx context.Context, q CallQuery) ([]ringside.Call, error)
	Call(ctx context.Context, id string) (ringside.Call, error)
	// Tail calls each for every change of a call until ctx ends or each fails.
	Tail(ctx context.Context, each func(ringside.Call) error) error
	Waiting(ctx context.Context) ([]ringside.Waiting, error)
	Directory(ctx context.Context) (DirectoryState, error)
	Directories
	Link
	// PBX is what acts on the PBX, or ErrRefused if none is configured.
	PBX() (PBX, error)
	// Lines are the extensions with their live state, in the order of their numbers.
	Lines(ctx context.Context) ([]ringside.LineStatus, error)
	// LoadContacts adds contacts, or replaces those with the same number; it returns how many.
	LoadContacts(ctx context.Context, contacts []ringside.Contact) (int, error)
	CheckStore(ctx context.Context) (StoreReport, error)
	// BackupStore writes a copy of the store to a new file at an absolute path.
	BackupStore(ctx context.Context, path string) error
}

// Status is the daemon's state at one moment.
type Status struct {
	Version string    `json:"version"`
	Node    string    `json:"node"`
	Started time.Time `json:"started"`
	AGI     string    `json:"agi"`
	// Socket is where FreeSWITCH's calls are served; empty if they are not.
	Socket    string          `json:"freeswitch,omitempty"`
	Live      int             `json:"live_calls"`
	Waiting   int             `json:"waiting_callers"`
	Directory DirectoryState  `json:"directory"`
	Store     json.RawMessage `json:"store"`
	// CRM is the state of the link with the CRM.
	CRM json.RawMessage `json:"crm,omitempty"`
	// PBX is the connection with the PBX; nil if none is configured.
	PBX *PBXLink `json:"pbx,omitempty"`
	// ARI is the connection with Asterisk's REST interface; nil if none is configured.
	ARI *PBXLink `json:"ari,omitempty"`
	// ESL is the connection with FreeSWITCH's event socket; nil if none is configured.
	ESL *PBXLink `json:"esl,omitempty"`
}

// PBXLink is the state of the connection with the PBX.
type PBXLink struct {
	Up bool `json:"up"`
	// Since is when it was made or lost, Error why there is none.
	Since time.Time `json:"since,omitzero"`
	Error string    `json:"error,omitempty"`
	// Address is where the PBX is.
	Address string `json:"address"`
	// Forged counts events that callers have tried to forge, Refused requests to the PBX that this site
	// does not allow, both since the start.
	Forged  uint64 `json:"forged_events,omitempty"`
	Refused uint64 `json:"refused_requests,omitempty"`
}

// DirectoryState says which directory is in effect and what is wrong with it.
type DirectoryState struct {
	Loaded   bool               `json:"loaded"`
	Version  string             `json:"version,omitempty"`
	Source   string             `json:"source,omitempty"`
	Since    time.Time          `json:"since,omitzero"`
	Servers  int                `json:"servers"`
	Numbers  int                `json:"numbers"`
	Groups   int                `json:"groups"`
	Rules    int                `json:"rules"`
	Problems []ringside.Problem `json:"problems"`
	// Failure is why a newer document was not put in effect; empty if the newest one was.
	Failure string `json:"failure,omitempty"`
	// Edition counts the versions that this node has had; Author is who brought this one.
	Edition uint64 `json:"edition,omitempty"`
	Author  string `json:"author,omitempty"`
	// Held is a newer edition that looks like an accident and waits to be confirmed.
	Held *ringside.Edition `json:"held,omitempty"`
	// Pending, Accepted and Rejected count the edits of this site that the CRM has not answered,
	// has not published yet, and has refused.
	Pending  int `json:"pending_edits"`
	Accepted int `json:"accepted_edits"`
	Rejected int `json:"rejected_edits"`
	// Unsaved is why the disk lacks the latest changes; empty if it has them.
	Unsaved string `json:"unsaved,omitempty"`
	// Document is the directory itself, without its secrets, where it was asked for.
	Document *ringside.Directory `json:"document,omitempty"`
}

// RouteRequest asks where a call would go.
type RouteRequest struct {
	From string `json:"caller_id"`
	To   string `json:"called_number"`
	// Endpoint is the device that calls; empty is a trunk, or the extension that From is.
	Endpoint string    `json:"endpoint,omitempty"`
	At       time.Time `json:"at,omitzero"`
	// Owner is the extension of the caller's manager, to try route_to_owner without a contact.
	Owner string `json:"owner,omitempty"`
}

// CallQuery chooses calls.
type CallQuery struct {
	Since time.Time
	Limit int
	// Live leaves out finished calls.
	Live bool
}

// StoreReport is the result of a consistency check.
type StoreReport struct {
	OK       bool            `json:"ok"`
	Problems []string        `json:"problems"`
	Counts   json.RawMessage `json:"counts,omitempty"`
}
