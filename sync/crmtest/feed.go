package crmtest

import (
	"crypto/rand"
	"net/http"
	"sort"
	"strconv"
	"strings"
)

// feed is a log of changes: of each entity its newest one. A place in it is a cursor.
type feed[T any] struct {
	changes []change[T]
	newest  map[string]int // entity → position of its newest change
	last    int            // position of the newest change of all
}

type change[T any] struct {
	position int
	id       string
	value    T
}

func newFeed[T any]() feed[T] { return feed[T]{newest: map[string]int{}} }

// put adds a change. The one before of the same entity is of no use any more.
func (f *feed[T]) put(id string, value T) {
	f.last++
	f.newest[id] = f.last
	f.changes = append(f.changes, change[T]{f.last, id, value})
	if len(f.changes) > 2*len(f.newest)+100 {
		kept := make([]change[T], 0, len(f.newest))
		for _, one := range f.changes {
			if f.newest[one.id] == one.position {
				kept = append(kept, one)
			}
		}
		f.changes = kept
	}
}

// get gives the newest change of an entity.
func (f *feed[T]) get(id string) (value T, ok bool) {
	if _, ok = f.newest[id]; ok {
		value = f.changes[f.index(f.newest[id]-1)].value
	}
	return value, ok
}

// index is the place of the first change behind a position.
func (f *feed[T]) index(position int) int {
	return sort.Search(len(f.changes), func(i int) bool { return f.changes[i].position > position })
}

// page gives up to n changes behind a position.
func (f *feed[T]) page(position, n int) (values []T, next int, more bool) {
	values, next = []T{}, position
	for _, one := range f.changes[f.index(position):] {
		if f.newest[one.id] != one.position {
			continue
		}
		if len(values) == n {
			return values, next, true
		}
		values, next = append(values, one.value), one.position
	}
	return values, f.last, false
}

// generation is what the cursors of one life of a feed begin with.
func generation() string { return rand.Text()[:8] }

// position reads a cursor; false for one that is not known any more. Mutex held.
func (c *CRM) position(cursor string, last int) (int, bool) {
	if cursor == "" {
		return 0, true
	}
	kind, at, _ := strings.Cut(cursor, ".")
	n, err := strconv.Atoi(at)
	return n, err == nil && kind == c.cursors && n >= 0 && n <= last
}

func (c *CRM) cursor(position int) string { return c.cursors + "." + strconv.Itoa(position) }

// ForgetCursors makes every cursor unknown that was given so far: it is answered with 410.
func (c *CRM) ForgetCursors() error {
	c.mu.Lock()
	c.cursors = generation()
	c.journal.put(&entry{Kind: entryCursors, Key: c.cursors})
	c.mu.Unlock()
	return c.journal.flush()
}

func gone(w http.ResponseWriter) {
	refuse(w, http.StatusGone, "the cursor is not known any more: begin without one")
}
