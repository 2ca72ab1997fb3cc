package ringside

import (
	"encoding/json"
	"slices"
	"strings"
)

// Entity gives an entity of a document as it stands there, secrets included; ok is false if it is not
// there or the document is none. Of the kind "directory" it gives the fields that an edit can change.
func Entity(document []byte, kind string, id int64) (entity json.RawMessage, ok bool) {
	top, err := rawObject(document)
	if err != nil {
		return nil, false
	}
	if kind == "directory" {
		own := slices.DeleteFunc(top, func(f rawField) bool { return !slices.Contains(topFields(), f.key) })
		return joinObject(own), true
	}
	if _, known := editable(kind); !known {
		return nil, false
	}
	list, err := entitiesOf(top, kind)
	if err != nil {
		return nil, false
	}
	at := list.index(id)
	if at < 0 {
		return nil, false
	}
	return list.items[at], true
}

// WithVersion gives the document with another version.
func WithVersion(document []byte, version string) ([]byte, error) {
	top, err := rawObject(document)
	if err != nil {
		return nil, err
	}
	return joinObject(putField(top, "version", jsonText(version))), nil
}

// WithoutSecrets gives a JSON value for showing: without the keys, however deep, whose names say that
// they are passwords or secrets. What is no JSON gives nil.
func WithoutSecrets(value json.RawMessage) json.RawMessage {
	switch {
	case isObject(value):
		fields, err := rawObject(value)
		if err != nil {
			return nil
		}
		shown := fields[:0]
		for _, f := range fields {
			if secretKey(f.key) {
				continue
			}
			if f.value = WithoutSecrets(f.value); f.value != nil {
				shown = append(shown, f)
			}
		}
		return joinObject(shown)
	case strings.HasPrefix(strings.TrimSpace(string(value)), "["):
		items, err := rawList(value, func(r *docReader, _ int) { r.skip() })
		if err != nil {
			return nil
		}
		for i := range items {
			if items[i] = WithoutSecrets(items[i]); items[i] == nil {
				items[i] = json.RawMessage("null")
			}
		}
		return joinList(items)
	case !json.Valid(value):
		return nil
	}
	return value
}

func secretKey(key string) bool {
	key = strings.ToLower(key)
	return strings.Contains(key, "password") || strings.Contains(key, "secret")
}
