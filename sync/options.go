package sync

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/ringside-pbx/ringside"
)

// Options make a Link.
type Options struct {
	// Node names this site, Version is the program's.
	Node, Version string
	// URL is the CRM's base URL; nil is standalone: nothing is asked and nothing sent.
	URL         *url.URL
	Credentials *Credentials
	// Transport is the way there; see NewTransport.
	Transport http.RoundTripper
	Store     Store
	Directory Directory
	Calls     Calls
	Log       *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Normalize gives the form in which a contact's number is looked up.
	Normalize func(phone string) string
	// Country is the directory's default country now: contacts are read again when it changes,
	// because their numbers are kept in international form.
	Country func() string
	// Config: the directory is the CRM's; it is not where the site has a directory file.
	Config bool
	// Contacts, Annotations, CDRs and Events say which of the optional parts the CRM serves.
	Contacts, Annotations, CDRs, Events bool
	// Timeout bounds a request until its answer begins, Wait is how long the CRM may hold back an
	// answer until there is a new directory, Poll how often contacts, annotations and the heartbeat
	// are due. Zero is 15 s, 30 s and 1 min.
	Timeout, Wait, Poll time.Duration
}

// Store is what the link keeps its work in.
type Store interface {
	Outbox(ctx context.Context, kind ringside.ParcelKind, after uint64, limit, maxBytes int) ([]ringside.Parcel, error)
	// Grown has a token when parcels of the kind have come.
	Grown(kind ringside.ParcelKind) <-chan struct{}
	Settle(ctx context.Context, kind ringside.ParcelKind, settled []ringside.Settlement) error
	Backlog(ctx context.Context) (ringside.Backlog, error)
	Disk() (ringside.Disk, error)
	CallRefs(ctx context.Context, since, until time.Time, after string, limit int) (refs []ringside.CallRef, next string, err error)
	Requeue(ctx context.Context, ids ...string) (int, error)
	ApplyContacts(ctx context.Context, changes []ringside.ContactChange, generation uint64, cursorName string, cursor []byte) error
	SweepContacts(ctx context.Context, keep uint64) (int, error)
	ApplyAnnotations(ctx context.Context, list []ringside.Annotation, cursorName string, cursor []byte) (int, error)
	Cursor(ctx context.Context, name string) ([]byte, error)
	SetCursor(ctx context.Context, name string, value []byte) error
}

// Document is a directory as the CRM sent it.
type Document struct {
	Data []byte
	ETag string
	// Source is "crm" or "push".
	Source, Author string
	// Forced takes a version that is older, Confirmed one that loses much.
	Forced, Confirmed bool
}

// Offered is what became of an offered directory.
type Offered struct {
	Edition  uint64             `json:"edition"`
	Version  string             `json:"version"`
	State    string             `json:"state"` // applied, held or unchanged
	Problems []ringside.Problem `json:"problems"`
	Changes  []string           `json:"changes"`
	// More is how many changes are not listed.
	More   int      `json:"more_changes,omitempty"`
	Losses []string `json:"losses,omitempty"`
}

// Directory keeps the directory and the edits made on site.
type Directory interface {
	// OfferDirectory takes a directory as a whole, or changes nothing: ErrOlder, ErrFile, or an error
	// with ringside.DecodeErrors in it.
	OfferDirectory(ctx context.Context, d Document) (Offered, error)
	// DirectoryETag marks the newest directory that the CRM has sent, whatever became of it.
	DirectoryETag() string
	PendingEdits(ctx context.Context) ([]ringside.Edit, error)
	SettleEdits(ctx context.Context, verdicts []ringside.EditVerdict) error
	// Edited has a token when edits have been made.
	Edited() <-chan struct{}
	// DirectoryVersion is the version in effect.
	DirectoryVersion() string
}

// Calls tells what is going on.
type Calls interface {
	Watch(ctx context.Context) <-chan ringside.Call
	Counts() (live, waiting int)
	// LastOffer is when the last call came in.
	LastOffer() time.Time
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Normalize == nil {
		o.Normalize = func(phone string) string { return phone }
	}
	if o.Country == nil {
		o.Country = func() string { return "" }
	}
	if o.Credentials == nil {
		o.Credentials = NewCredentials(ringside.Secret{}, "", ringside.Secret{})
	}
	o.Timeout = cmp.Or(o.Timeout, 15*time.Second)
	o.Wait = cmp.Or(o.Wait, 30*time.Second)
	o.Poll = cmp.Or(o.Poll, time.Minute)
	return o
}
