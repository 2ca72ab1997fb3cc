package crmtest

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/ringside-pbx/ringside"
)

// maxWait is how long an answer is held back at most.
const maxWait = time.Minute

// directory is the CRM's directory with what is known of its past.
type directory struct {
	document []byte
	etag     string
	version  string
	// given is the digest of the document that was set last, before any edit.
	given string
	// versions are all that there were; changed tells in which of them each author changed an entity
	// last. The author is a node's name, or empty for the CRM itself.
	versions []string
	changed  map[entity]map[string]int
	// news is closed, and another one made, when the document changes.
	news chan struct{}
}

type entity struct {
	kind string
	id   int64
}

func newDirectory() directory {
	return directory{changed: map[entity]map[string]int{}, news: make(chan struct{})}
}

func digest(document []byte) string {
	sum := sha256.Sum256(document)
	return hex.EncodeToString(sum[:12])
}

// set makes a document the directory; a version that is not newer than the one before is raised.
func (d *directory) set(document []byte, now time.Time) {
	given := digest(document)
	after, _, err := ringside.DecodeDirectory(document)
	version := after.Version
	if err == nil && d.document != nil && given != digest(d.document) {
		if order, known := ringside.CompareVersions(version, d.version); order == 0 || known && order < 0 {
			version = ringside.NextVersion(d.version, now)
			if raised, err := ringside.WithVersion(document, version); err == nil {
				document = raised
			}
		}
	}
	d.note("", document, version)
	d.given = given
}

// note keeps a document and which entities its author has changed in it.
func (d *directory) note(author string, document []byte, version string) {
	before, _, errBefore := ringside.DecodeDirectory(d.document)
	after, _, errAfter := ringside.DecodeDirectory(document)
	d.versions = append(d.versions, version)
	if errBefore == nil && errAfter == nil {
		for _, one := range ringside.Compare(&before, &after) {
			d.touch(entity{one.Kind, one.ID}, author)
		}
	}
	d.document, d.version, d.etag = document, version, `"`+digest(document)+`"`
	close(d.news)
	d.news = make(chan struct{})
}

// touch notes that an author has changed an entity in the newest version.
func (d *directory) touch(e entity, author string) {
	if d.changed[e] == nil {
		d.changed[e] = map[string]int{}
	}
	d.changed[e][author] = len(d.versions) - 1
}

// changedSince reports whether anybody but a node has changed an entity after a version. What the
// node itself has changed since is what its edit was made on top of: until the next directory, all of
// a node's edits have the same base.
func (d *directory) changedSince(node string, e entity, version string) bool {
	if len(d.versions) == 0 {
		return false
	}
	if !slices.Contains(d.versions, version) {
		// A version of an earlier life: what cannot be put in order may have changed.
		if order, known := ringside.CompareVersions(d.versions[0], version); !known || order > 0 {
			return true
		}
	}
	for author, at := range d.changed[e] {
		if author != node && d.after(at, version) {
			return true
		}
	}
	return false
}

// after reports whether the version with a place came after another one.
func (d *directory) after(at int, version string) bool {
	for i, v := range slices.Backward(d.versions) {
		if v == version {
			return at > i
		}
	}
	order, known := ringside.CompareVersions(d.versions[at], version)
	return !known || order > 0
}

// SetDirectory makes a document the directory. A version that is not newer than the one before is
// raised, unless the document is the one before. What is no directory is served as it is.
func (c *CRM) SetDirectory(document []byte) error {
	document = slices.Clone(document)
	now := c.opt.Now()
	c.mu.Lock()
	c.directory.set(document, now)
	c.journal.put(&entry{Kind: entryDirectory, Document: string(document), At: now})
	c.mu.Unlock()
	return c.journal.flush()
}

// DirectoryVersion is the version of the directory now.
func (c *CRM) DirectoryVersion() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.directory.version
}

func (c *CRM) getConfig(w http.ResponseWriter, r *http.Request, _ []byte) {
	wait := 0
	if s := r.URL.Query().Get("wait"); s != "" {
		var err error
		if wait, err = strconv.Atoi(s); err != nil || wait < 0 {
			refuse(w, http.StatusBadRequest, "wait must be whole seconds")
			return
		}
	}
	known := r.Header.Get("If-None-Match")
	timer := time.NewTimer(min(time.Duration(wait)*time.Second, maxWait))
	defer timer.Stop()
	for over := wait == 0; ; {
		c.mu.Lock()
		document, etag, news := c.directory.document, c.directory.etag, c.directory.news
		c.mu.Unlock()
		switch {
		case document == nil:
			refuse(w, http.StatusNotFound, "there is no directory")
			return
		case etag != known:
			w.Header().Set("ETag", etag)
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(document)
			return
		case over:
			w.Header().Set("ETag", etag)
			w.WriteHeader(http.StatusNotModified)
			return
		}
		select {
		case <-news:
		case <-timer.C:
			over = true
		case <-c.closing:
			over = true
		case <-r.Context().Done():
			return
		}
	}
}
