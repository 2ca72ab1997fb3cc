package ringside

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Validate says what makes the edit none, whatever the directory: an unknown kind, operation or
// field, no id, or an attempt to change one. The types of the values are for DecodeDirectory.
func (e *Edit) Validate() error {
	entity, known := editable(e.Kind)
	if !known {
		return fmt.Errorf("the kind %s is none of server, number, group, rule, directory", shorten(strconv.Quote(e.Kind)))
	}
	switch {
	case e.Op != EditCreate && e.Op != EditUpdate && e.Op != EditDelete:
		return fmt.Errorf("the operation %s is none of create, update, delete", shorten(strconv.Quote(string(e.Op))))
	case e.Kind == "directory" && e.Op != EditUpdate:
		return errors.New("the directory itself can be updated only")
	case e.Kind != "directory" && e.Entity <= 0:
		return fmt.Errorf("the %s has no id above 0", e.Kind)
	case e.Op == EditDelete:
		return nil
	}
	fields, err := rawObject(e.Fields)
	if err != nil {
		return fmt.Errorf("the fields of the edit: %w", err)
	}
	if len(fields) == 0 {
		return errors.New("the edit has no fields")
	}
	for _, f := range fields {
		if f.key != "id" || e.Kind == "directory" {
			continue
		}
		if id, err := strconv.ParseInt(string(f.value), 10, 64); err != nil || id != e.Entity {
			return fmt.Errorf("id: the id of %s %d can't be changed", e.Kind, e.Entity)
		}
	}
	return knownFields(entity, "", fields)
}

// editable gives the type that has a kind's fields.
func editable(kind string) (reflect.Type, bool) {
	switch kind {
	case "server":
		return reflect.TypeFor[Server](), true
	case "number":
		return reflect.TypeFor[Extension](), true
	case "group":
		return reflect.TypeFor[RingGroup](), true
	case "rule":
		return reflect.TypeFor[Rule](), true
	case "directory":
		return reflect.TypeFor[Directory](), true
	}
	return nil, false
}

// topFields are the fields of the directory itself; the version is whoever's who keeps it.
func topFields() []string { return []string{"time_zone", "default_country", "holidays", "defaults"} }

// knownFields says which field a type of the directory doesn't have.
func knownFields(of reflect.Type, prefix string, fields []rawField) error {
	types := map[string]reflect.Type{}
	collectFields(of, types)
	for _, f := range fields {
		t, known := types[f.key]
		if of == reflect.TypeFor[Directory]() && !slices.Contains(topFields(), f.key) {
			known = false
		}
		if !known {
			return fmt.Errorf("%s: there is no such field", prefix+shorten(blankControls(f.key)))
		}
		if t == reflect.TypeFor[Secret]() && standsForASecret(f.value) {
			return fmt.Errorf("%s: %s stands where a secret is not shown, and is none", prefix+f.key, hidden)
		}
		if t.Kind() == reflect.Pointer && isObject(f.value) {
			inner, err := rawObject(f.value)
			if err != nil {
				return fmt.Errorf("%s: %w", prefix+f.key, err)
			}
			if err := knownFields(t.Elem(), prefix+f.key+".", inner); err != nil {
				return err
			}
		}
		if f.key == "members" {
			if err := knownMembers(f.value); err != nil {
				return err
			}
		}
	}
	return nil
}

// standsForASecret reports whether the value is what somebody was shown in place of a secret, and
// would overwrite it.
func standsForASecret(value json.RawMessage) bool {
	var s string
	return json.Unmarshal(value, &s) == nil && s == hidden
}

func knownMembers(list json.RawMessage) error {
	if !strings.HasPrefix(string(list), "[") {
		return nil // the wrong type is told when the document is decoded
	}
	items, err := rawList(list, func(r *docReader, _ int) { r.skip() })
	if err != nil {
		return fmt.Errorf("members: %w", err)
	}
	for i, item := range items {
		if !isObject(item) {
			continue
		}
		fields, err := rawObject(item)
		if err == nil {
			err = knownFields(reflect.TypeFor[Member](), "", fields)
		}
		if err != nil {
			return fmt.Errorf("members[%d].%w", i, err)
		}
	}
	return nil
}

// collectFields gives the types of a struct's fields by their names on the wire.
func collectFields(of reflect.Type, into map[string]reflect.Type) {
	for i := range of.NumField() {
		f := of.Field(i)
		if f.Anonymous {
			collectFields(f.Type, into)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		into[name] = f.Type
	}
}
