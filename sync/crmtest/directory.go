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
	// versions are all that there were; changed tells in which of them an entity changed last.
	versions []string
	changed  map[entity]int
	// news is closed, and another one made, when the document changes.
	news chan struct{}
}

type entity struct {
	kind string
	id   int64
}

func newDirectory() directory {
	return directory{changed: map[entity]int{}, news: make(chan struct{})}
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
	d.note(document, version)
	d.given = given
}

// note keeps a document and which entities it changes.
func (d *directory) note(document []byte, version string) {
	before, _, errBefore := ringside.DecodeDirectory(d.document)
	after, _, errAfter := ringside.DecodeDirectory(document)
	d.versions = append(d.versions, version)
	if errBefore == nil && errAfter == nil {
		for _, one := range ringside.Compare(&before, &after) {
			d.changed[entity{one.Kind, one.ID}] = len(d.versions) - 1
		}
	}
	d.document, d.version, d.etag = document, version, `"`+digest(document)+`"`
	close(d.news)
	d.news = make(chan struct{})
}

// changedSince reports whether an entity has changed after a version.
func (d *directory) changedSince(e entity, version string) bool {
	at := d.changed[e]
	for i, v := range slices.Backward(d.versions) {
		if v == version {
			return at > i
		}
	}
	if at >= len(d.versions) {
		return false
	}
	// A version of an earlier life: what cannot be put in order may have changed.
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
