package crmtest

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/signature"
	crmsync "github.com/ringside-pbx/ringside/sync"
)

// Options make a CRM.
type Options struct {
	// BasePath is where the contract's paths begin; "/" if empty.
	BasePath string
	// Directory is the directory as a JSON document; without one, GET config answers 404 until
	// SetDirectory.
	Directory []byte
	// Data is the file in which everything but events and heartbeats is kept; empty keeps it in memory.
	Data string
	// Token and SigningSecret are what requests must show, each if it is set.
	Token, SigningSecret ringside.Secret
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// PageSize is how many entries a page has; 1000 if zero.
	PageSize int
}

// CRM is the reference CRM. It is safe for any number of goroutines.
type CRM struct {
	opt      Options
	base     string
	verifier *signature.Verifier
	mux      *http.ServeMux
	closing  chan struct{}
	journal  *journal
	rules    ruleBook

	mu          sync.Mutex
	closed      bool
	directory   directory
	calls       calls
	cdrs        map[string]cdrs
	contacts    feed[ringside.ContactChange]
	annotations feed[ringside.Annotation]
	cursors     string // of which generation they must be
	events      []crmsync.Event
	edits       []Edit
	verdicts    map[string]int // edit id → place in edits
	beats       map[string]Heartbeats
	reject      func(id string) (code, reason string, refuse bool)
}

const defaultPage = 1000

// New makes a CRM. It reads what Data keeps; a directory in Options that is the one which was given
// the last time leaves the kept one, with the edits in it, as it is.
func New(opt Options) (*CRM, error) {
	opt.PageSize = cmp.Or(opt.PageSize, defaultPage)
	if opt.Now == nil {
		opt.Now = time.Now
	}
	c := &CRM{
		opt: opt, base: "/" + strings.Trim(opt.BasePath, "/"), mux: http.NewServeMux(), closing: make(chan struct{}),
		calls: newCalls(), cdrs: map[string]cdrs{}, verdicts: map[string]int{}, beats: map[string]Heartbeats{},
		contacts: newFeed[ringside.ContactChange](), annotations: newFeed[ringside.Annotation](),
		directory: newDirectory(), cursors: generation(),
	}
	if c.base != "/" {
		c.base += "/"
	}
	if !opt.SigningSecret.IsZero() {
		c.verifier = signature.NewVerifier(opt.SigningSecret)
	}
	if len(opt.Directory) > 0 {
		if _, _, err := ringside.DecodeDirectory(opt.Directory); err != nil {
			return nil, fmt.Errorf("the directory: %w", err)
		}
	}
	c.routes()
	if err := c.open(); err != nil {
		return nil, err
	}
	if len(opt.Directory) > 0 && digest(opt.Directory) != c.directory.given {
		if err := c.SetDirectory(opt.Directory); err != nil {
			_ = c.journal.close()
			return nil, err
		}
	}
	return c, nil
}

// open reads the data file, if there is one, and continues it.
func (c *CRM) open() (err error) {
	if c.journal, err = openJournal(c.opt.Data, c.restore); err != nil {
		return err
	}
	c.journal.put(&entry{Kind: entryCursors, Key: c.cursors})
	if err = c.journal.flush(); err != nil {
		_ = c.journal.close()
	}
	return err
}

// Close ends the requests that wait for something and closes the data file. Requests that come
// afterwards are answered with 503.
func (c *CRM) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	close(c.closing)
	c.mu.Unlock()
	return c.journal.close()
}

func (c *CRM) routes() {
	c.handle(http.MethodGet, crmsync.PathConfig, c.getConfig)
	c.handle(http.MethodPost, crmsync.PathChanges, c.postChanges)
	c.handle(http.MethodGet, crmsync.PathContacts, c.getContacts)
	c.handle(http.MethodGet, crmsync.PathAnnotations, c.getAnnotations)
	c.handle(http.MethodGet, crmsync.PathCallIDs, c.getCallIDs)
	c.handle(http.MethodPost, crmsync.PathCalls, c.postCalls)
	c.handle(http.MethodPost, crmsync.PathCDRs, c.postCDRs)
	c.handle(http.MethodPost, crmsync.PathEvents, c.postEvents)
	c.handle(http.MethodPost, crmsync.PathHeartbeat, c.postHeartbeat)
	c.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, "there is nothing here")
	})
}

// handle serves one method of a path; every other one is answered as clearly.
func (c *CRM) handle(method, path string, serve func(w http.ResponseWriter, r *http.Request, body []byte)) {
	c.mux.HandleFunc(method+" "+c.base+path, c.guarded(serve))
	c.mux.HandleFunc(c.base+path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", method)
		refuse(w, http.StatusMethodNotAllowed, "this address takes "+method+" only")
	})
}

// ServeHTTP implements http.Handler.
func (c *CRM) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case <-c.closing:
		refuse(w, http.StatusServiceUnavailable, "the CRM is being closed")
		return
	default:
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	c.misbehave(w, r, c.mux)
}
