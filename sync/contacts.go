package sync

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
)

// The cursors of the store that the link keeps.
const (
	contactsCursor    = "crm.contacts"
	annotationsCursor = "crm.annotations"
)

// place is where reading contacts stopped.
type place struct {
	// Cursor is the CRM's, empty at the beginning.
	Cursor string `json:"cursor"`
	// Generation counts the times that contacts were read from the beginning.
	Generation uint64 `json:"generation"`
	// Whole: they are being read from the beginning, and what is not seen on the way is to go.
	Whole bool `json:"whole,omitempty"`
	// Country is in which the numbers were read.
	Country string `json:"country,omitempty"`
}

// pullContacts reads one page and keeps it with its cursor. It reports whether there is more.
func (l *Link) pullContacts(ctx context.Context) (more bool, err error) {
	at, err := l.contactsPlace(ctx)
	if err != nil {
		return false, err
	}
	var page ContactPage
	err = l.page(ctx, PathContacts, at.Cursor, &page)
	var f *Failure
	if errors.As(err, &f) && f.Trouble == Gone && at.Cursor != "" {
		return false, l.restartContacts(ctx, at, at.Country) // a CRM that forgets at once is not asked at once
	}
	if err != nil {
		return false, err
	}
	if err := checkCursor(page.Cursor, at.Cursor, page.More); err != nil {
		return false, err
	}
	for i := range page.Contacts {
		for j, phone := range page.Contacts[i].Phones {
			page.Contacts[i].Phones[j] = l.opt.Normalize(phone)
		}
	}
	next := at
	next.Cursor = page.Cursor
	cursor, err := json.Marshal(next)
	if err != nil {
		return false, err
	}
	if err := l.opt.Store.ApplyContacts(ctx, page.Contacts, at.Generation, contactsCursor, cursor); err != nil {
		return false, err
	}
	if at.Whole && !page.More {
		return false, l.finishContacts(ctx, next)
	}
	return page.More, nil
}

// maxCursor is the longest cursor that can be asked for: it stands in an address.
const maxCursor = 4 << 10

// checkCursor finds a page after which reading could not go on: it would never end, or begin from the
// beginning for ever.
func checkCursor(next, asked string, more bool) error {
	switch {
	case next == "":
		return nonsense("the page has no cursor")
	case len(next) > maxCursor:
		return nonsense("the page has a cursor of %d bytes; no more than %d can be asked for", len(next), maxCursor)
	case more && next == asked:
		return nonsense("there is more, behind the cursor that was asked for")
	}
	return nil
}

// contactsPlace tells where to go on; a change of the country begins from the beginning.
func (l *Link) contactsPlace(ctx context.Context) (place, error) {
	at := place{Generation: 1, Whole: true, Country: l.opt.Country()}
	raw, err := l.opt.Store.Cursor(ctx, contactsCursor)
	if err != nil || raw == nil {
		return at, err
	}
	kept, ok := readPlace(raw)
	if !ok {
		return at, nil
	}
	if kept.Country != at.Country {
		err = l.restartContacts(ctx, kept, at.Country)
		kept = place{Generation: kept.Generation + 1, Whole: true, Country: at.Country}
	}
	return kept, err
}

func readPlace(raw []byte) (p place, ok bool) {
	ok = json.Unmarshal(raw, &p) == nil
	return p, ok
}

// restartContacts reads from the beginning. What is there stays until that is done.
func (l *Link) restartContacts(ctx context.Context, at place, country string) error {
	return l.setPlace(ctx, place{Generation: at.Generation + 1, Whole: true, Country: country})
}

// finishContacts forgets what the CRM no longer has.
func (l *Link) finishContacts(ctx context.Context, at place) error {
	removed, err := l.opt.Store.SweepContacts(ctx, at.Generation)
	if err != nil {
		return err
	}
	if removed > 0 {
		l.opt.Log.Info("contacts that the CRM no longer has are forgotten", "contacts", removed)
	}
	at.Whole = false
	return l.setPlace(ctx, at)
}

func (l *Link) setPlace(ctx context.Context, at place) error {
	cursor, err := json.Marshal(at)
	if err != nil {
		return err
	}
	return l.opt.Store.SetCursor(ctx, contactsCursor, cursor)
}

// page reads one page behind a cursor.
func (l *Link) page(ctx context.Context, path, cursor string, into any) error {
	r := &request{method: http.MethodGet, path: path}
	if cursor != "" {
		r.query = url.Values{"since": {cursor}}
	}
	a, err := l.client.do(ctx, r)
	if err != nil {
		return err
	}
	return decode(a.body, into)
}
