package ringside

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// rawField is a key of a JSON object with its value, byte for byte.
type rawField struct {
	key   string
	value json.RawMessage
}

// rawObject takes an object apart without reading its values, in the order in which they stand. It
// reads what DecodeDirectory reads: errors are DecodeErrors, and a key that is given twice is one.
func rawObject(doc []byte) ([]rawField, error) {
	r := &docReader{doc: bytes.TrimPrefix(doc, []byte("\xef\xbb\xbf"))}
	if r.peek() != '{' {
		r.wrongType("an object")
		return nil, r.end()
	}
	if !r.open() {
		return nil, r.errs
	}
	var fields []rawField
	seen := map[string]bool{}
	for first := true; ; first = false {
		key, ok := r.key(first)
		if !ok {
			break
		}
		r.peek()
		start := r.pos
		r.skip()
		if r.halted {
			break
		}
		if seen[string(key)] {
			r.path = append(r.path[:0], pathStep{key: key})
			r.fail(start, "the key is given twice")
		}
		seen[string(key)] = true
		fields = append(fields, rawField{string(key), r.doc[start:r.pos]})
	}
	return fields, r.end()
}

// end makes sure that nothing follows, and gives the errors so far.
func (r *docReader) end() error {
	if !r.halted {
		if r.space(); r.pos < len(r.doc) {
			r.syntax("there is something after the end")
		}
	}
	if len(r.errs) > 0 {
		return r.errs
	}
	return nil
}

// rawList takes a list apart. A list that is left out or null is empty.
func rawList(list json.RawMessage, each func(r *docReader, i int)) ([]json.RawMessage, error) {
	if isNull(list) {
		return nil, nil
	}
	r := &docReader{doc: list}
	var items []json.RawMessage
	r.array(func(i int) {
		start := r.pos
		each(r, i)
		if !r.halted {
			items = append(items, list[start:r.pos:r.pos])
		}
	})
	return items, r.end()
}

func isNull(v json.RawMessage) bool {
	v = bytes.TrimSpace(v)
	return len(v) == 0 || string(v) == "null"
}

func isObject(v json.RawMessage) bool {
	v = bytes.TrimSpace(v)
	return len(v) > 0 && v[0] == '{'
}

func find(fields []rawField, key string) int {
	for i := range fields {
		if fields[i].key == key {
			return i
		}
	}
	return -1
}

// putField replaces the value of a key, or adds it.
func putField(fields []rawField, key string, value json.RawMessage) []rawField {
	if i := find(fields, key); i >= 0 {
		fields[i].value = value
		return fields
	}
	return append(fields, rawField{key, value})
}

func joinObject(fields []rawField) json.RawMessage {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(jsonText(f.key))
		b.WriteByte(':')
		b.Write(f.value)
	}
	b.WriteByte('}')
	return b.Bytes()
}

func joinList(items []json.RawMessage) json.RawMessage {
	out := append([]byte{'['}, bytes.Join(rawBytes(items), []byte(",\n"))...)
	return append(out, ']')
}

func rawBytes(items []json.RawMessage) [][]byte {
	out := make([][]byte, len(items))
	for i := range items {
		out[i] = items[i]
	}
	return out
}

// jsonText writes a text as JSON, and nothing in it otherwise than it must be.
func jsonText(s string) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a text can always be encoded
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// mergePatch applies a merge patch (RFC 7396) to a value.
func mergePatch(target, patch json.RawMessage) (json.RawMessage, error) {
	if !isObject(patch) {
		return patch, nil
	}
	changes, err := rawObject(patch)
	if err != nil {
		return nil, fmt.Errorf("the fields of the edit: %w", err)
	}
	var fields []rawField
	if isObject(target) {
		if fields, err = rawObject(target); err != nil {
			return nil, err
		}
	}
	for _, c := range changes {
		i := find(fields, c.key)
		if isNull(c.value) {
			if i >= 0 {
				fields = append(fields[:i], fields[i+1:]...)
			}
			continue
		}
		var old json.RawMessage
		if i >= 0 {
			old = fields[i].value
		}
		value, err := mergePatch(old, c.value)
		if err != nil {
			return nil, err
		}
		fields = putField(fields, c.key, value)
	}
	return joinObject(fields), nil
}
