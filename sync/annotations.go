package sync

import (
	"context"
	"errors"

	"github.com/ringside-pbx/ringside"
)

// pullAnnotations reads one page of what the CRM knows about calls afterwards, and reports whether there
// is more.
func (l *Link) pullAnnotations(ctx context.Context) (more bool, err error) {
	cursor, err := l.opt.Store.Cursor(ctx, annotationsCursor)
	if err != nil {
		return false, err
	}
	var page AnnotationPage
	err = l.page(ctx, PathAnnotations, string(cursor), &page)
	var f *Failure
	if errors.As(err, &f) && f.Trouble == Gone && len(cursor) > 0 {
		return false, l.opt.Store.SetCursor(ctx, annotationsCursor, nil) // a CRM that forgets at once is not asked at once
	}
	if err != nil {
		return false, err
	}
	if err := checkCursor(page.Cursor, string(cursor), page.More); err != nil {
		return false, err
	}
	list := make([]ringside.Annotation, 0, len(page.Annotations))
	for _, a := range page.Annotations {
		if a.CallID != "" && len(a.CallID) <= ringside.MaxCallID {
			list = append(list, a)
		}
	}
	_, err = l.opt.Store.ApplyAnnotations(ctx, list, annotationsCursor, []byte(page.Cursor))
	return page.More, err
}
