package crmtest

import (
	"errors"
	"net/http"

	"github.com/ringside-pbx/ringside"
	crmsync "github.com/ringside-pbx/ringside/sync"
)

func (c *CRM) getAnnotations(w http.ResponseWriter, r *http.Request, _ []byte) {
	c.mu.Lock()
	at, known := c.position(r.URL.Query().Get("since"), c.annotations.last)
	if !known {
		c.mu.Unlock()
		gone(w)
		return
	}
	list, next, more := c.annotations.page(at, c.opt.PageSize)
	page := crmsync.AnnotationPage{Annotations: list, Cursor: c.cursor(next), More: more}
	c.mu.Unlock()
	c.settled(w, page)
}

// Annotate says what the CRM knows about a call. An annotation without a time is of now.
func (c *CRM) Annotate(a ringside.Annotation) error {
	if a.CallID == "" {
		return errors.New("the annotation is of no call")
	}
	if a.Updated.IsZero() {
		a.Updated = c.opt.Now()
	}
	c.mu.Lock()
	c.annotations.put(a.CallID, a)
	c.journal.put(&entry{Kind: entryAnnotation, Annotation: &a})
	c.mu.Unlock()
	return c.journal.flush()
}
