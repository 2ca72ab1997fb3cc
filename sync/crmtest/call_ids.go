package crmtest

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
	crmsync "github.com/ringside-pbx/ringside/sync"
)

func (c *CRM) getCallIDs(w http.ResponseWriter, r *http.Request, _ []byte) {
	q := r.URL.Query()
	from, errFrom := time.Parse(time.RFC3339, q.Get("from"))
	to, errTo := time.Parse(time.RFC3339, q.Get("to"))
	switch {
	case q.Get("node") == "":
		refuse(w, http.StatusBadRequest, "node is missing")
		return
	case errFrom != nil || errTo != nil:
		refuse(w, http.StatusBadRequest, "from and to must be times (RFC 3339)")
		return
	}
	// The cursor names the last call of the page before.
	at, id := from, ""
	if cursor := q.Get("cursor"); cursor != "" {
		stamp, last, _ := strings.Cut(cursor, "/")
		after, err := time.Parse(time.RFC3339Nano, stamp)
		if err != nil || last == "" {
			refuse(w, http.StatusBadRequest, "the cursor is none of this CRM's")
			return
		}
		at, id = after, last
	}
	page := c.callIDs(q.Get("node"), at, id, to)
	if err := c.journal.flush(); err != nil { // nothing is told to be here that a kill could undo
		refuse(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	answer(w, http.StatusOK, page)
}

// callIDs gives a page of the calls behind a place.
func (c *CRM) callIDs(node string, at time.Time, id string, to time.Time) crmsync.CallIDPage {
	page := crmsync.CallIDPage{Calls: []ringside.CallRef{}}
	c.mu.Lock()
	defer c.mu.Unlock()
	order := c.calls.sorted()
	place, found := slices.BinarySearchFunc(order, &call{start: at, id: id}, byStart)
	if found {
		place++
	}
	var last *call
	for _, n := range order[place:] {
		if !n.start.Before(to) {
			break
		}
		if n.node != node {
			continue
		}
		if len(page.Calls) == c.opt.PageSize {
			page.More = true
			break
		}
		page.Calls = append(page.Calls, ringside.CallRef{ID: n.id, Revision: n.revision})
		last = n
	}
	if last != nil {
		page.Cursor = last.start.UTC().Format(time.RFC3339Nano) + "/" + last.id
	}
	return page
}

// sorted gives all calls by their beginning.
func (l *calls) sorted() []*call {
	if l.order == nil {
		l.order = make([]*call, 0, len(l.byID))
		for _, n := range l.byID {
			l.order = append(l.order, n)
		}
		slices.SortFunc(l.order, byStart)
	}
	return l.order
}

func byStart(a, b *call) int { return cmp.Or(a.start.Compare(b.start), cmp.Compare(a.id, b.id)) }
