package ringside

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// FieldValue reads what somebody has typed for a field of a kind, such as account.active of a number,
// and gives it as the JSON that an edit wants. Texts need no quotes, lists may be written with commas,
// and null takes a field away. The error names the field and, unless it is a secret, the value.
func FieldValue(kind, field, typed string) (json.RawMessage, error) {
	of, known := editable(kind)
	if !known {
		return nil, fmt.Errorf("the kind %s is none of server, number, group, rule, directory", shorten(strconv.Quote(kind)))
	}
	t, err := fieldType(of, field)
	if err != nil {
		return nil, err
	}
	value := json.RawMessage(strings.TrimSpace(typed))
	is := func(first string) bool {
		return len(value) > 0 && strings.IndexByte(first, value[0]) >= 0 && json.Valid(value)
	}
	wrong := func(want string) (json.RawMessage, error) {
		return nil, fmt.Errorf("%s: must be %s, not %s", field, want, shorten(strconv.Quote(typed)))
	}
	switch {
	case string(value) == "null":
		return value, nil
	case t.Kind() == reflect.String || t == reflect.TypeFor[Secret]():
		if is(`"`) {
			return value, nil
		}
		return jsonText(typed), nil
	case t.Kind() == reflect.Bool:
		if !is("tf") {
			return wrong("true or false")
		}
	case t.Kind() == reflect.Int || t.Kind() == reflect.Int64:
		if _, err := strconv.ParseInt(string(value), 10, 64); err != nil {
			return wrong("a whole number")
		}
	case t == reflect.TypeFor[GroupRef]():
		if _, err := strconv.ParseInt(string(value), 10, 64); err != nil && !is(`"`) {
			return jsonText(typed), nil
		}
	case t.Kind() == reflect.Slice:
		if is("[") {
			return value, nil
		}
		items := []json.RawMessage{}
		for item := range strings.SplitSeq(typed, ",") {
			if item = strings.TrimSpace(item); item != "" {
				items = append(items, jsonText(item))
			}
		}
		return joinList(items), nil
	case !is("{"):
		return wrong("an object in JSON")
	}
	return value, nil
}

// fieldType finds the type of a field by its dotted name.
func fieldType(of reflect.Type, field string) (reflect.Type, error) {
	for rest := field; ; {
		name, inner, nested := strings.Cut(rest, ".")
		probe := []rawField{{key: name}}
		if err := knownFields(of, strings.TrimSuffix(field, rest), probe); err != nil {
			return nil, err
		}
		types := map[string]reflect.Type{}
		collectFields(of, types)
		t := types[name]
		if !nested {
			return t, nil
		}
		if t.Kind() != reflect.Pointer {
			return nil, fmt.Errorf("%s: there is no such field", shorten(blankControls(field)))
		}
		of, rest = t.Elem(), inner
	}
}
