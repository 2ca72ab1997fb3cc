package ringside

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Change is one difference between two directories.
type Change struct {
	// Kind is "directory", "server", "number", "group" or "rule"; ID and Name are the entity's own.
	Kind string `json:"kind"`
	ID   int64  `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
	// Field is the field that differs; empty when the entity as a whole was added or removed.
	Field string `json:"field,omitempty"`
	// Old and New are what was and what is, in words; both are empty for a secret. Of an entity or
	// a member that was added there is only New, of one that was removed only Old.
	Old string `json:"old,omitempty"`
	New string `json:"new,omitempty"`
	// What is "added", "removed" or "changed".
	What string `json:"what"`
}

// String gives the change as one line of text, such as `rule 5 "Mobiles": priority 100 → 50`.
func (c Change) String() string {
	who := c.Kind
	if c.Kind != "directory" {
		who += " " + strconv.FormatInt(c.ID, 10)
		if c.Name != "" {
			who += " " + strconv.Quote(clipped(c.Name))
		}
	}
	both := c.Old + c.New // only one of them, where it is used
	switch {
	case c.Field == "" && both != "":
		return who + " " + c.What + ": " + clipped(both)
	case c.Field == "":
		return who + " " + c.What
	case both == "":
		return who + ": " + c.Field + " " + c.What
	case c.What != "changed":
		return who + ": " + strings.TrimSuffix(c.Field, "s") + " " + plain(both) + " " + c.What
	}
	return who + ": " + c.Field + " " + plain(c.Old) + " → " + plain(c.New)
}

// plain quotes a text only where it could be misread.
func plain(s string) string {
	if s == "" {
		return "nothing"
	}
	if q := strconv.Quote(clipped(s)); strings.ContainsRune(s, ' ') || len(q) != len(s)+2 {
		return q
	}
	return s
}

func clipped(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// Compare gives what differs between two directories, in the order directory, servers, numbers,
// groups, rules; of each kind first what was removed. Entities are the same when kind and id are;
// their order in the lists does not count, nor do the priorities of members as long as the members'
// order is the same. A secret is never told, and one that is hidden is taken to be unchanged.
func Compare(old, next *Directory) []Change {
	c := &comparison{}
	c.subject = Change{Kind: "directory"}
	c.fields(fieldsOf(old), fieldsOf(next))
	c.list("holidays", old.Holidays, next.Holidays)
	entities(c, "server", old.Servers, next.Servers, func(s *Server) (int64, string, string) {
		return s.ID, s.Name, s.Host
	})
	entities(c, "number", old.Numbers, next.Numbers, func(e *Extension) (int64, string, string) {
		return e.ID, e.Number, e.DisplayName
	})
	entities(c, "group", old.Groups, next.Groups, func(g *RingGroup) (int64, string, string) {
		return g.ID, g.Name, string(g.Strategy) + " over " + strings.Join(memberOrder(g.Members), ", ")
	})
	entities(c, "rule", old.Rules, next.Rules, func(r *Rule) (int64, string, string) {
		return r.ID, r.Name, r.summary()
	})
	return c.changes
}

// summary tells what the rule does in a few words.
func (r *Rule) summary() string {
	words := []string{"priority " + strconv.Itoa(r.Priority)}
	if r.CallerIDPattern != "" {
		words = append(words, "caller "+r.CallerIDPattern)
	}
	if r.CalledNumberPattern != "" {
		words = append(words, "called "+r.CalledNumberPattern)
	}
	if r.TimeCondition != "" {
		words = append(words, r.TimeCondition)
	}
	words = append(words, r.Destination.summary())
	if !r.Active {
		words = append(words, "inactive")
	}
	return strings.Join(words, ", ")
}

func (d *Destination) summary() string {
	s := string(d.Action)
	for _, target := range []string{d.TargetNumber, d.TargetGroup.text(), d.TargetExternal, d.AnnouncementText} {
		if target != "" {
			s += " " + plain(target)
		}
	}
	return s
}

func (r GroupRef) text() string {
	switch {
	case r.ID != 0:
		return strconv.FormatInt(r.ID, 10)
	default:
		return r.Name
	}
}

// comparison collects the changes of one subject after the other.
type comparison struct {
	subject Change // Kind, ID and Name
	changes []Change
}

func (c *comparison) add(what, field, old, next string) {
	change := c.subject
	change.What, change.Field, change.Old, change.New = what, field, old, next
	c.changes = append(c.changes, change)
}

// entities compares two lists of one kind; describe gives an entity's id, name and summary.
func entities[T any](c *comparison, kind string, old, next []T, describe func(*T) (int64, string, string)) {
	before, after := byID(old, describe), byID(next, describe)
	for i := range old {
		id, name, summary := describe(&old[i])
		if _, kept := after[id]; !kept && before[id] == i {
			c.subject = Change{Kind: kind, ID: id, Name: name}
			c.add("removed", "", summary, "")
		}
	}
	for i := range next {
		id, name, summary := describe(&next[i])
		if after[id] != i {
			continue
		}
		c.subject = Change{Kind: kind, ID: id, Name: name}
		j, known := before[id]
		switch {
		case !known:
			c.add("added", "", "", summary)
		case !reflect.DeepEqual(old[j], next[i]):
			c.fields(fieldsOf(&old[j]), fieldsOf(&next[i]))
			if a, ok := any(&old[j]).(*RingGroup); ok {
				c.members(a.Members, any(&next[i]).(*RingGroup).Members)
			}
		}
	}
}

// byID finds entities; of several with one id the first counts, as it does for routing.
func byID[T any](list []T, describe func(*T) (int64, string, string)) map[int64]int {
	m := make(map[int64]int, len(list))
	for i := range list {
		id, _, _ := describe(&list[i])
		if _, twice := m[id]; !twice {
			m[id] = i
		}
	}
	return m
}

// field is a leaf of an entity in words.
type field struct {
	name, text string
	secret     bool
}

// fieldsOf gives the fields of an entity by their names on the wire, but for lists.
func fieldsOf(entity any) []field {
	return leaves(nil, "", reflect.ValueOf(entity).Elem())
}

func leaves(out []field, prefix string, v reflect.Value) []field {
	for i := range v.NumField() {
		part, f := v.Field(i), v.Type().Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		name = prefix + name
		switch x := part.Interface().(type) {
		case Secret:
			out = append(out, field{name, x.Reveal(), true})
			continue
		case GroupRef:
			out = append(out, field{name: name, text: x.text()})
			continue
		case *Destination:
			if x != nil {
				out = append(out, field{name: name, text: x.summary()})
			}
			continue
		}
		switch part.Kind() {
		case reflect.Slice:
		case reflect.Struct: // embedded: its fields are the entity's own
			out = leaves(out, prefix, part)
		case reflect.Pointer:
			if !part.IsNil() {
				out = leaves(out, name+".", part.Elem())
			}
		default:
			if text := fmt.Sprint(part.Interface()); text != "" {
				out = append(out, field{name: name, text: text})
			}
		}
	}
	return out
}

// fields compares the leaves of two forms of one entity, which are in one order.
func (c *comparison) fields(old, next []field) {
	was := make(map[string]field, len(old))
	for _, f := range old {
		was[f.name] = f
	}
	is := make(map[string]bool, len(next))
	for _, f := range next {
		is[f.name] = true
		c.field(was[f.name], f)
	}
	for _, f := range old {
		if !is[f.name] {
			c.field(f, field{name: f.name, secret: f.secret})
		}
	}
}

func (c *comparison) field(old, next field) {
	switch {
	case old.text == next.text:
	case !next.secret:
		c.add("changed", next.name, old.text, next.text)
	case old.text == "":
		c.add("added", next.name, "", "")
	case next.text == "":
		c.add("removed", next.name, "", "")
	case old.text != hidden && next.text != hidden:
		c.add("changed", next.name, "", "")
	}
}

// list compares two lists in which only membership counts.
func (c *comparison) list(name string, old, next []string) {
	before, after := setOf(old), setOf(next)
	for _, s := range old {
		if !after[s] {
			c.add("removed", name, s, "")
		}
	}
	for _, s := range next {
		if !before[s] {
			c.add("added", name, "", s)
		}
	}
}

func setOf(list []string) map[string]bool {
	set := make(map[string]bool, len(list))
	for _, s := range list {
		set[s] = true
	}
	return set
}

func (c *comparison) members(old, next []Member) {
	before, after := memberOrder(old), memberOrder(next)
	c.list("members", before, after)
	common := func(list, other []string) []string {
		known := setOf(other)
		return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !known[s] })
	}
	if a, b := common(before, after), common(after, before); !slices.Equal(a, b) {
		c.add("changed", "members", strings.Join(a, ", "), strings.Join(b, ", "))
	}
	paused := make(map[string]bool, len(old))
	for _, m := range old {
		paused[m.Number] = m.Paused
	}
	for _, m := range next {
		if was, known := paused[m.Number]; known && was != m.Paused {
			c.add("changed", "members."+m.Number+".paused", strconv.FormatBool(was), strconv.FormatBool(m.Paused))
		}
	}
}

// memberOrder gives the numbers of a group's members in the order in which they are tried.
func memberOrder(members []Member) []string {
	sorted := slices.Clone(members)
	slices.SortStableFunc(sorted, func(a, b Member) int { return cmp.Compare(a.Priority, b.Priority) })
	seen := make(map[string]bool, len(sorted))
	var numbers []string
	for _, m := range sorted {
		if !seen[m.Number] {
			seen[m.Number] = true
			numbers = append(numbers, m.Number)
		}
	}
	return numbers
}
