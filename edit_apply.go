package ringside

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// Errors of an edit that doesn't fit the document; the error in which they are wrapped names the entity.
var (
	// ErrNoEntity: the entity that is to be changed or removed is not there.
	ErrNoEntity = errors.New("is not in the directory")
	// ErrEntityExists: the entity that is to be made is there.
	ErrEntityExists = errors.New("is in the directory already")
)

// Apply gives the document as the edit makes it: a merge patch (RFC 7396) on the entity with the
// edit's id, or a new entity at the end of its list, or a list without it. It works on the JSON, so
// that what ringside doesn't know of (keys of a later version, the CRM's own) is kept byte for byte.
// Entities that have no id of their own, and count by their position, are given it when their list
// is edited, so that they keep it when entities before them go.
//
// Errors are those of Validate, ErrNoEntity, ErrEntityExists, and DecodeErrors for a document that
// is none. Whether the result is a sound directory is for DecodeDirectory and routing.Compile to say.
func (e *Edit) Apply(document []byte) ([]byte, error) {
	if err := e.Validate(); err != nil {
		return nil, err
	}
	top, err := rawObject(document)
	if err != nil {
		return nil, err
	}
	if e.Kind == "directory" {
		return mergePatch(joinObject(top), e.Fields)
	}
	list, err := entitiesOf(top, e.Kind)
	if err != nil {
		return nil, err
	}
	if err := list.change(e); err != nil {
		return nil, err
	}
	return joinObject(putField(top, listKey(e.Kind), joinList(list.items))), nil
}

// rawEntities is a list of entities, byte for byte, with the ids by which they go.
type rawEntities struct {
	items []json.RawMessage
	ids   []int64
	// given: the entity says its id itself.
	given []bool
	// left: DecodeDirectory leaves the entity out, and nobody sees it.
	left []bool
}

// entitiesOf takes the list of a kind out of a document's fields. It reads every entity as
// DecodeDirectory does, because the ids depend on which of them are of use.
func entitiesOf(top []rawField, kind string) (*rawEntities, error) {
	l := &rawEntities{}
	var raw json.RawMessage
	if i := find(top, listKey(kind)); i >= 0 {
		raw = top[i].value
	}
	items, err := rawList(raw, func(r *docReader, _ int) {
		id, useful := r.identity(kind)
		l.ids, l.given, l.left = append(l.ids, id), append(l.given, id != 0), append(l.left, !useful)
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", listKey(kind), err)
	}
	l.items = items
	settleIDs(l.ids, l.left)
	return l, nil
}

// identity reads an entity for its id and for whether it is of use.
func (r *docReader) identity(kind string) (id int64, useful bool) {
	switch kind {
	case "server":
		var s Server
		useful = r.server(&s)
		return s.ID, useful
	case "number":
		var e Extension
		useful = r.extension(&e)
		return e.ID, useful
	case "group":
		var g RingGroup
		useful = r.group(&g)
		return g.ID, useful
	}
	var u Rule
	useful = r.rule(&u)
	return u.ID, useful
}

func (l *rawEntities) index(id int64) int {
	for i := range l.ids {
		if l.ids[i] == id && !l.left[i] {
			return i
		}
	}
	return -1
}

func (l *rawEntities) change(e *Edit) error {
	for i := range l.items {
		if !l.given[i] {
			if err := l.patch(i, idField(l.ids[i])); err != nil {
				return err
			}
		}
	}
	at := l.index(e.Entity)
	switch {
	case e.Op == EditCreate && at >= 0:
		return fmt.Errorf("%s %d %w", e.Kind, e.Entity, ErrEntityExists)
	case e.Op == EditCreate:
		entity, err := mergePatch(idField(e.Entity), e.Fields)
		if err != nil {
			return err
		}
		l.items = append(l.items, entity)
		return nil
	case at < 0:
		return fmt.Errorf("%s %d %w", e.Kind, e.Entity, ErrNoEntity)
	case e.Op == EditUpdate:
		return l.patch(at, e.Fields)
	}
	// Whatever has the id goes: a second one that was left out so far must not come to life.
	kept := l.items[:0]
	for i := range l.items {
		if l.ids[i] != e.Entity {
			kept = append(kept, l.items[i])
		}
	}
	l.items = kept
	return nil
}

func (l *rawEntities) patch(i int, fields json.RawMessage) (err error) {
	l.items[i], err = mergePatch(l.items[i], fields)
	return err
}

func idField(id int64) json.RawMessage {
	return json.RawMessage(`{"id":` + strconv.FormatInt(id, 10) + `}`)
}

func listKey(kind string) string { return kind + "s" }
