package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/ringside-pbx/ringside"
)

func person1(id, name string, phones ...string) ringside.ContactChange {
	return ringside.ContactChange{ID: id, Name: name, Phones: phones}
}

func gone(id string) ringside.ContactChange { return ringside.ContactChange{ID: id, Deleted: true} }

// page applies one page of generation 1.
func page(t *testing.T, s *Store, changes ...ringside.ContactChange) {
	t.Helper()
	if err := s.ApplyContacts(t.Context(), changes, 1, "contacts", []byte("1")); err != nil {
		t.Fatal(err)
	}
}

// answers gives id and name of whoever answers to the number.
func answers(s *Store, phone string) string {
	c, ok := s.Contact(ringside.Number{Raw: phone})
	switch {
	case !ok:
		return "nobody"
	case c.Phone != phone:
		return "another number: " + c.Phone
	}
	return strings.TrimPrefix(c.ID+" "+c.Name, " ")
}

func TestNumbersLeadToTheContactsOfTheCRM(t *testing.T) {
	s := start(t, Options{})
	file := []ringside.Contact{{Phone: "1", Name: "from a file"}, {Phone: "5", Name: "from a file"}}
	if err := s.PutContacts(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name    string
		changes []ringside.ContactChange
		want    map[string]string
		numbers int
	}{
		{
			"a page",
			[]ringside.ContactChange{person1("a", "Anna", "1", "2", "2"), person1("b", "Boris", "3")},
			map[string]string{"1": "a Anna", "2": "a Anna", "3": "b Boris", "5": "from a file"},
			4,
		},
		{
			"a new name and number",
			[]ringside.ContactChange{person1("a", "Anna P", "2", "4")},
			map[string]string{"1": "from a file", "2": "a Anna P", "4": "a Anna P"},
			5,
		},
		{
			"a shared number",
			[]ringside.ContactChange{person1("b", "Boris", "3", "2"), person1("c", "Clara", "2")},
			map[string]string{"2": "c Clara", "3": "b Boris"},
			5,
		},
		{"the one that answers loses it", []ringside.ContactChange{person1("c", "Clara")}, map[string]string{"2": "b Boris"}, 5},
		{"the next is deleted", []ringside.ContactChange{gone("b"), gone("nobody")}, map[string]string{"2": "a Anna P", "3": "nobody"}, 4},
		{
			"a change brings the number back",
			[]ringside.ContactChange{person1("c", "Clara", "2"), person1("a", "Anna Petrova", "2", "4")},
			map[string]string{"2": "a Anna Petrova"},
			4,
		},
		{"one that is the same stays where it is", []ringside.ContactChange{person1("c", "Clara", "2")}, map[string]string{"2": "a Anna Petrova"}, 4},
		{
			"all are deleted",
			[]ringside.ContactChange{gone("a"), gone("c")},
			map[string]string{"1": "from a file", "2": "nobody", "4": "nobody", "5": "from a file"},
			2,
		},
	} {
		page(t, s, step.changes...)
		for phone, want := range step.want {
			equal(t, step.name+": "+phone, answers(s, phone), want)
		}
		equal(t, step.name+": numbers", must(s.Contacts(t.Context()))(t), step.numbers)
		sound(t, s)
	}
	equal(t, "people", s.State().People, 0)
}

func TestAContactFromAFileStandsBehindThatOfTheCRM(t *testing.T) {
	s := start(t, Options{})
	page(t, s, person1("a", "Anna", "1"))
	for _, name := range []string{"from a file", "from another file"} {
		if err := s.PutContacts(t.Context(), []ringside.Contact{{ID: "x", Phone: "1", Name: name}}); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "answers", answers(s, "1"), "a Anna")
	page(t, s, gone("a"))
	equal(t, "afterwards", answers(s, "1"), "from another file")
}

func TestAPageIsNeverRefused(t *testing.T) {
	var log logs
	s := start(t, Options{Log: log.logger()})
	long := strings.Repeat("я", 5000)
	many := make([]string, 500)
	for i := range many {
		many[i] = fmt.Sprint(1000 + i)
	}
	page(
		t, s,
		ringside.ContactChange{ID: "a", Name: "x" + long, Company: long, URL: "https://" + long, Owner: long, Phones: []string{"1"}},
		person1("b", "Boris", "", "2", strings.Repeat("3", ringside.MaxNumber+1), "\xff", strings.Repeat("4", ringside.MaxNumber)),
		person1("", "Nobody", "5"), person1(strings.Repeat("i", 1000), "Long", "5"), gone(""),
		person1("m", "Many", many...), person1("n", "None"), person1("c", "Clara \xff", "6"),
	)
	a, _ := s.Contact(ringside.Number{Raw: "1"})
	equal(t, "long texts", []any{len(a.Name), len(a.Company), a.URL, a.Owner}, []any{999, 1000, "", ""})
	for phone, want := range map[string]string{
		"2": "b Boris", strings.Repeat("4", ringside.MaxNumber): "b Boris", "5": "nobody",
		"1000": "m Many", "1099": "m Many", "1100": "nobody", "6": "c Clara \uFFFD",
	} {
		equal(t, phone, answers(s, phone), want)
	}
	equal(t, "lines of log", log.count("left_out=406"), 1)
	equal(t, "cursor", string(must(s.Cursor(t.Context(), "contacts"))(t)), "1")
	if err := s.ApplyContacts(t.Context(), nil, 1, "", nil); !errors.Is(err, ErrInvalid) {
		t.Errorf("a page without a cursor: %v", err)
	}
}

func TestWhatACompleteReadingDidNotFindIsSwept(t *testing.T) {
	s := start(t, Options{})
	if err := s.PutContacts(t.Context(), []ringside.Contact{{Phone: "file", Name: "from a file"}}); err != nil {
		t.Fatal(err)
	}
	const n = 5000 // more than one transaction sweeps
	changes := make([]ringside.ContactChange, n)
	for i := range changes {
		changes[i] = person1(fmt.Sprint("id", i), "x", fmt.Sprint("phone", i), "shared")
	}
	page(t, s, changes...)
	if err := s.ApplyContacts(t.Context(), changes[:100], 2, "contacts", []byte("2")); err != nil {
		t.Fatal(err)
	}
	equal(t, "removed", must(s.SweepContacts(t.Context(), 2))(t), n-100)
	equal(t, "people, numbers", []int{s.State().People, must(s.Contacts(t.Context()))(t)}, []int{100, 102})
	for phone, want := range map[string]string{"phone99": "id99 x", "phone100": "nobody", "shared": "id99 x", "file": "from a file"} {
		equal(t, phone, answers(s, phone), want)
	}
	equal(t, "removed again", must(s.SweepContacts(t.Context(), 2))(t), 0)
}

// TestAPageAndItsCursorAreOne: when the disk fails, neither is there; when it fails after the commit,
// both are, once.
func TestAPageAndItsCursorAreOne(t *testing.T) {
	for name, after := range map[string]bool{"before the commit": false, "after the commit": true} {
		path := filepath.Join(t.TempDir(), "ringside.db")
		synctest.Test(t, func(t *testing.T) {
			var disk broken
			disk.after.Store(after)
			s := start(t, Options{Path: path, update: disk.update})
			page(t, s, person1("a", "Anna", "1"))
			disk.fails.Store(true)
			done := make(chan error, 1)
			go func() {
				done <- s.ApplyContacts(t.Context(), []ringside.ContactChange{person1("b", "Boris", "1"), gone("a")}, 1, "contacts", []byte("2"))
			}()
			synctest.Wait()
			cursor, who := string(must(s.Cursor(t.Context(), "contacts"))(t)), answers(s, "1")
			if after {
				equal(t, name, []string{cursor, who}, []string{"2", "b Boris"})
			} else {
				equal(t, name, []string{cursor, who}, []string{"1", "a Anna"})
			}
			disk.fails.Store(false)
			if err := <-done; err != nil {
				t.Error(err)
			}
			equal(t, name+", in the end", []string{string(must(s.Cursor(t.Context(), "contacts"))(t)), answers(s, "1")}, []string{"2", "b Boris"})
			stop(t, s)
		})
	}
}

// book is the model of the contacts: plain maps, and a search for each question.
type book struct {
	people  map[string]ringside.ContactChange
	changed map[string]int
	file    map[string]string
	clock   int
}

func (b *book) apply(c ringside.ContactChange) {
	old, known := b.people[c.ID]
	switch {
	case c.Deleted:
		delete(b.people, c.ID)
	case known && old.Name == c.Name && slices.Equal(old.Phones, c.Phones):
	default:
		b.clock++
		b.people[c.ID], b.changed[c.ID] = c, b.clock
	}
}

func (b *book) answers(phone string) string {
	var have []string
	for id, c := range b.people {
		if slices.Contains(c.Phones, phone) {
			have = append(have, id)
		}
	}
	if len(have) > 0 {
		id := slices.MaxFunc(have, func(x, y string) int { return cmp.Compare(b.changed[x], b.changed[y]) })
		return id + " " + b.people[id].Name
	}
	return cmp.Or(b.file[phone], "nobody")
}

// TestContactsAreWhatABookWouldSay draws pages, files and sweeps and compares every number with the model.
func TestContactsAreWhatABookWouldSay(t *testing.T) {
	phones := []string{"1", "11", "2", "+3", "4\x00", "5"}
	rapid.Check(t, func(r *rapid.T) {
		s, err := Open(context.Background(), Options{Path: filepath.Join(t.TempDir(), "ringside.db")})
		if err != nil {
			r.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		b := book{people: map[string]ringside.ContactChange{}, changed: map[string]int{}, file: map[string]string{}}
		generations := map[string]uint64{}
		drawPhones := rapid.SliceOfNDistinct(rapid.SampledFrom(phones), 0, 3, rapid.ID[string])
		id, name := rapid.SampledFrom([]string{"a", "aa", "b", "c\x00", "1"}), rapid.SampledFrom([]string{"x", "y"})
		r.Repeat(map[string]func(*rapid.T){
			"page": func(r *rapid.T) {
				generation := rapid.Uint64Range(1, 2).Draw(r, "generation")
				var changes []ringside.ContactChange
				for range rapid.IntRange(1, 4).Draw(r, "changes") {
					c := ringside.ContactChange{ID: id.Draw(r, "id"), Deleted: rapid.IntRange(0, 3).Draw(r, "deleted") == 0}
					if generations[c.ID] = generation; !c.Deleted {
						c.Name, c.Phones = name.Draw(r, "name"), drawPhones.Draw(r, "phones")
					}
					b.apply(c)
					changes = append(changes, c)
				}
				if err := s.ApplyContacts(context.Background(), changes, generation, "contacts", []byte("1")); err != nil {
					r.Fatal(err)
				}
			},
			"file": func(r *rapid.T) {
				c := ringside.Contact{Phone: rapid.SampledFrom(phones).Draw(r, "phone"), Name: "file " + name.Draw(r, "name")}
				b.file[c.Phone] = c.Name
				if err := s.PutContacts(context.Background(), []ringside.Contact{c}); err != nil {
					r.Fatal(err)
				}
			},
			"sweep": func(r *rapid.T) {
				keep, want := rapid.Uint64Range(1, 2).Draw(r, "keep"), 0
				for _, id := range slices.Collect(maps.Keys(b.people)) {
					if generations[id] != keep {
						delete(b.people, id)
						want++
					}
				}
				if n, err := s.SweepContacts(context.Background(), keep); err != nil || n != want {
					r.Fatalf("swept %d, want %d: %v", n, want, err)
				}
			},
			"": func(r *rapid.T) {
				numbers := 0
				for _, phone := range phones {
					want := b.answers(phone)
					if want != "nobody" {
						numbers++
					}
					if got := answers(s, phone); got != want {
						r.Fatalf("%q leads to %s, want %s", phone, got, want)
					}
				}
				state := s.State()
				report, err := s.Check(context.Background())
				if err != nil || !report.OK() || state.Contacts != numbers || state.People != len(b.people) {
					r.Fatalf("check: %v %q; numbers %d of %d, people %d of %d",
						err, report.Problems, state.Contacts, numbers, state.People, len(b.people))
				}
			},
		})
	})
}
