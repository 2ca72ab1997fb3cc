package directory

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ringside-pbx/ringside"
)

// layer is a base with edits on top.
type layer struct {
	*draft
	// refused are the edits that don't fit the base any more, with the reasons.
	refused map[string]string
}

// lay puts those of the edits that are in effect on a base. One that doesn't apply, or after which
// the document would be none, is left out. The error is that of a base which is none.
func lay(base *draft, edits []ringside.Edit) (layer, error) {
	l, err := layOn(base, edits, false)
	if err != nil {
		// Some edit makes the document none: which one shows only step by step.
		l, err = layOn(base, edits, true)
	}
	return l, err
}

func layOn(base *draft, edits []ringside.Edit, checkEach bool) (layer, error) {
	l := layer{draft: base, refused: map[string]string{}}
	data, on := base.data, 0
	for i := range edits {
		e := &edits[i]
		if e.State == ringside.EditRejected {
			continue
		}
		next, err := e.Apply(data)
		if err == nil && checkEach {
			_, _, err = ringside.DecodeDirectory(next)
		}
		switch {
		case err == nil:
			data = next
		case alreadySo(edits[i:], err): // the CRM's word on it is still to come
		default:
			l.refused[e.ID] = err.Error()
			continue
		}
		on++
	}
	if on == 0 {
		return l, nil
	}
	data, err := ringside.WithVersion(data, versionOn(base.directory().Version, on))
	if err != nil {
		return l, fmt.Errorf("laying the edits on the directory: %w", err)
	}
	l.draft, err = read(data)
	return l, err
}

// alreadySo reports whether the first of the edits failed because what it is about has come about: the
// CRM's directory may contain an edit before the CRM's answer to it is here.
func alreadySo(edits []ringside.Edit, err error) bool {
	e := &edits[0]
	switch {
	case e.State != ringside.EditPending:
		return false
	case e.Op == ringside.EditCreate:
		return errors.Is(err, ringside.ErrEntityExists)
	case !errors.Is(err, ringside.ErrNoEntity):
		return false
	}
	return slices.ContainsFunc(edits, func(later ringside.Edit) bool {
		return later.Kind == e.Kind && later.Entity == e.Entity && later.Op == ringside.EditDelete && later.State == ringside.EditPending
	})
}

// longestVersion is how long a directory's version may be, in bytes.
const longestVersion = 200

// versionOn is the version of a base with so many edits on top.
func versionOn(base string, edits int) string {
	on := "+" + strconv.Itoa(edits)
	return strings.ToValidUTF8(base[:min(len(base), longestVersion-len(on))], "") + on
}

// settleRefused turns the edits that don't fit the base any more into rejected ones. One that the CRM
// has accepted is forgotten: the CRM knows best.
func (k *Keeper) settleRefused(refused map[string]string) {
	for i := len(k.edits) - 1; i >= 0; i-- {
		e := &k.edits[i]
		reason, hit := refused[e.ID]
		switch {
		case !hit:
		case e.State == ringside.EditAccepted:
			k.drop(i)
		default:
			k.reject(e, reason, nil)
		}
	}
}

// relay lays the edits that are left on the base and puts the result in effect.
func (k *Keeper) relay() (*draft, error) {
	base, err := read(k.base.Data)
	if err != nil {
		return nil, fmt.Errorf("reading the base of the edits: %w", err)
	}
	l, err := lay(base, k.edits)
	if err != nil {
		return nil, err
	}
	k.settleRefused(l.refused)
	return l.draft, nil
}
