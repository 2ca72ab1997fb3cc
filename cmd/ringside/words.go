package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside/directory"
)

// count writes a number with its noun.
func count[N int | uint64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func callCount(n int) string { return count(n, "call", "calls") }

// either chooses the word that goes with a number.
func either(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// whether chooses the word that says whether something is so.
func whether(so bool, yes, no string) string {
	if so {
		return yes
	}
	return no
}

// lasting writes a span of time as people say it, with its two largest units.
func lasting(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < 10*time.Second && d%time.Second != 0:
		return strconv.FormatFloat(d.Round(100*time.Millisecond).Seconds(), 'f', -1, 64) + " s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return two(int(d/time.Minute), "min", int(d%time.Minute/time.Second), "s")
	case d < 24*time.Hour:
		return two(int(d/time.Hour), "h", int(d%time.Hour/time.Minute), "min")
	}
	days := int(d / (24 * time.Hour))
	return two(days, either(days, "day", "days"), int(d%(24*time.Hour)/time.Hour), "h")
}

func two(large int, unit string, small int, part string) string {
	if small == 0 {
		return fmt.Sprintf("%d %s", large, unit)
	}
	return fmt.Sprintf("%d %s %d %s", large, unit, small, part)
}

// age says how long ago a moment was.
func age(t time.Time) string { return lasting(time.Since(t).Round(time.Second)) }

// titled names an entity: its kind and id, and its own name if it has one.
func titled(kind string, id int64, name string) string {
	if name == "" {
		return fmt.Sprintf("%s %d", kind, id)
	}
	return fmt.Sprintf("%s %d %q", kind, id, name)
}

// caller names a number that may be withheld.
func caller(number string) string {
	if number == "" {
		return "withheld"
	}
	return safe(number)
}

// origin says where an edition comes from.
func origin(source, author string) string {
	by, confirmed := "", ""
	if author != "" {
		by = " by " + safe(author)
		if author != "CRM" {
			confirmed = ", confirmed" + by
		}
	}
	switch source {
	case directory.SourceCRM:
		return "from the CRM" + confirmed
	case directory.SourcePush:
		return "pushed by the CRM" + confirmed
	case "edit":
		return "from an edit" + by
	case "edit accepted", "edit rejected":
		return "after an " + strings.Replace(source, "edit", "edit was", 1)
	}
	if strings.HasPrefix(source, "rollback") {
		return "from a " + safe(source) + by
	}
	return "from " + safe(source) + by
}

// fieldsInWords writes an object of JSON as it is typed for 'directory set': field=value, in order.
// What is no object is left as it is.
func fieldsInWords(object json.RawMessage) []string {
	var words []string
	flat := flatFields(object)
	for _, field := range slices.Sorted(maps.Keys(flat)) {
		words = append(words, field+"="+flat[field])
	}
	return words
}

// flatFields gives the fields by their dotted names.
func flatFields(object json.RawMessage) map[string]string {
	flat := map[string]string{}
	var into func(prefix string, raw json.RawMessage)
	into = func(prefix string, raw json.RawMessage) {
		var inner map[string]json.RawMessage
		if json.Unmarshal(raw, &inner) == nil && len(inner) > 0 {
			for key, value := range inner {
				into(strings.TrimPrefix(prefix+"."+key, "."), value)
			}
			return
		}
		if prefix != "" {
			flat[prefix] = typedValue(raw)
		}
	}
	into("", object)
	return flat
}

func typedValue(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil && !bytes.Equal(raw, []byte("null")) {
		if text == "" || strings.ContainsAny(text, " \t\"'\\;,()&|<>$`*") || text == "null" {
			return strconv.Quote(text)
		}
		return text
	}
	var list []string
	if json.Unmarshal(raw, &list) == nil && len(list) > 0 && !slices.ContainsFunc(list, func(s string) bool { return strings.ContainsAny(s, ", ") }) {
		return strings.Join(list, ",")
	}
	var compact bytes.Buffer
	if json.Compact(&compact, raw) == nil {
		return compact.String()
	}
	return string(raw)
}

// bothSides writes what differs between two forms of an entity.
func bothSides(ours, theirs json.RawMessage) (left, right string) {
	a, b := flatFields(ours), flatFields(theirs)
	maps.DeleteFunc(a, func(field, value string) bool {
		other, ok := b[field]
		if ok && other == value {
			delete(b, field)
			return true
		}
		return false
	})
	write := func(entity json.RawMessage, one, other map[string]string) string {
		if len(entity) == 0 || bytes.Equal(entity, []byte("null")) {
			return "it is not there"
		}
		var words []string
		for field, value := range one {
			words = append(words, field+"="+value)
		}
		for field := range other {
			if _, ok := one[field]; !ok {
				words = append(words, field+"=null")
			}
		}
		if len(words) == 0 {
			return "the same"
		}
		slices.Sort(words)
		return strings.Join(words, " ")
	}
	return write(ours, a, b), write(theirs, b, a)
}
