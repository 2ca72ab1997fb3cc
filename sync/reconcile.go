package sync

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/ringside-pbx/ringside"
)

// Reconciliation is what a comparison with the CRM's records has found.
type Reconciliation struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Ours and Theirs are how many calls each side has of the time.
	Ours   int `json:"ours"`
	Theirs int `json:"theirs"`
	// Waiting are on their way anyway, Rejected are in the bucket.
	Waiting  int `json:"waiting"`
	Rejected int `json:"rejected"`
	// Missing are calls that the CRM lacks, Outdated those of which it has an older revision; both
	// are Requeued.
	Missing  int `json:"missing"`
	Outdated int `json:"outdated"`
	Requeued int `json:"requeued"`
	// Unknown are calls that the CRM has and this site does not, with the first of their ids.
	Unknown    int      `json:"unknown"`
	UnknownIDs []string `json:"unknown_ids,omitempty"`
}

const (
	// maxUnknown is how many unknown ids are listed.
	maxUnknown = 20
	// maxCompared bounds what a comparison holds in memory.
	maxCompared = 5_000_000
	// maxBarren is how many pages in a row may bring nothing new.
	maxBarren = 50
	// refPage is how many of our calls are read at a time.
	refPage = 5000
)

// Reconcile compares the calls that began in [from, to) with those that the CRM has, and queues again
// what is missing there.
func (l *Link) Reconcile(ctx context.Context, from, to time.Time) (Reconciliation, error) {
	r := Reconciliation{From: from, To: to}
	if l.client == nil {
		return r, ErrStandalone
	}
	theirs, err := l.callIDs(ctx, from, to)
	if err != nil {
		return r, fmt.Errorf("ask the CRM for its calls: %w", err)
	}
	r.Theirs = len(theirs)
	for after, more := "", true; more; more = after != "" {
		var refs []ringside.CallRef
		refs, after, err = l.opt.Store.CallRefs(ctx, from, to, after, refPage)
		if err != nil {
			return r, err
		}
		var again []string
		for _, ref := range refs {
			if r.count(ref, theirs) {
				again = append(again, ref.ID)
			}
		}
		n, err := l.opt.Store.Requeue(ctx, again...)
		if err != nil {
			return r, err
		}
		r.Requeued += n
	}
	for id := range theirs {
		if r.Unknown++; len(r.UnknownIDs) < maxUnknown {
			r.UnknownIDs = append(r.UnknownIDs, spoken(id))
		}
	}
	return r, nil
}

// count compares one call of ours, takes it off theirs, and reports whether it is to be sent again.
func (r *Reconciliation) count(ref ringside.CallRef, theirs map[string]int) (again bool) {
	r.Ours++
	revision, there := theirs[ref.ID]
	delete(theirs, ref.ID)
	switch {
	case there && revision >= ref.Revision:
	case ref.Waiting:
		r.Waiting++
	case ref.Rejected:
		r.Rejected++
	case there:
		r.Outdated++
		return true
	default:
		r.Missing++
		return true
	}
	return false
}

// callIDs asks the CRM which calls it has, with their revisions.
func (l *Link) callIDs(ctx context.Context, from, to time.Time) (map[string]int, error) {
	ids := map[string]int{}
	for cursor, barren := "", 0; ; {
		q := url.Values{
			"node": {l.opt.Node}, "from": {from.UTC().Format(time.RFC3339)}, "to": {to.UTC().Format(time.RFC3339)},
		}
		if cursor != "" {
			q.Set("cursor", cursor)
		}
		a, err := l.client.do(ctx, &request{method: http.MethodGet, path: PathCallIDs, query: q})
		if err != nil {
			return nil, err
		}
		var page CallIDPage
		if err := decode(a.body, &page); err != nil {
			return nil, err
		}
		before := len(ids)
		for _, c := range page.Calls {
			if c.ID == "" || len(c.ID) > ringside.MaxCallID {
				return nil, nonsense("a call has an id of %d bytes", len(c.ID))
			}
			ids[c.ID] = max(c.Revision, ids[c.ID])
		}
		if !page.More {
			return ids, nil
		}
		if err := checkCursor(page.Cursor, cursor, true); err != nil {
			return nil, err
		}
		if barren++; len(ids) > before {
			barren = 0
		}
		switch {
		case barren > maxBarren:
			return nil, nonsense("there is always more, but nothing new")
		case len(ids) > maxCompared:
			return nil, errors.New("it has too many calls of that time")
		}
		cursor = page.Cursor
	}
}
