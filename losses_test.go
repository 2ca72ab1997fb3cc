package ringside

import (
	"fmt"
	"slices"
	"testing"
)

// company has so many rules and numbers, and groups with the members that are listed.
func company(rules, numbers int, groups ...[]string) *Directory {
	d := &Directory{}
	for i := range rules {
		d.Rules = append(d.Rules, Rule{ID: int64(i + 1)})
	}
	for i := range numbers {
		d.Numbers = append(d.Numbers, Extension{ID: int64(i + 1), Number: fmt.Sprint(101 + i)})
	}
	for i, members := range groups {
		g := RingGroup{ID: int64(i + 1), Name: "G"}
		for _, m := range members {
			g.Members = append(g.Members, Member{Number: m})
		}
		d.Groups = append(d.Groups, g)
	}
	return d
}

func TestWhatLooksLikeAnAccident(t *testing.T) {
	pair, nobody := []string{"101", "102"}, []string(nil)
	renumbered := company(4, 0)
	for i := range renumbered.Rules {
		renumbered.Rules[i].ID += 10
	}
	for _, tt := range []struct {
		name      string
		old, next *Directory
		want      []string
	}{
		{"nothing was there", company(0, 0), company(0, 0), nil},
		{"everything stays", company(3, 3, pair), company(3, 3, pair), nil},
		{"half of the rules go", company(4, 0), company(2, 0), nil},
		{"more than half of the rules go", company(5, 0), company(2, 0), []string{"3 of 5 rules are gone"}},
		{"one of two goes", company(0, 2), company(0, 1), nil},
		{"the only one goes", company(1, 0), company(0, 0), []string{"the only rule is gone"}},
		{"all numbers go", company(0, 3), company(0, 0), []string{"all 3 numbers are gone"}},
		{"all rules are others", company(4, 0), renumbered, []string{"all 4 rules are gone"}},
		{"most groups go", company(0, 2, pair, pair, pair), company(0, 2, pair), []string{"2 of 3 groups are gone"}},
		{"one of three groups goes with its members", company(0, 2, pair, pair, pair), company(0, 2, pair, pair), nil},
		{"a group is emptied", company(0, 2, pair, pair), company(0, 2, pair, nobody), []string{`group 2 "G" has lost all its members`}},
		{"a group was empty before", company(0, 2, nobody), company(0, 2, nobody), nil},
		{"a group keeps one member", company(0, 2, pair), company(0, 2, pair[:1]), nil},
		{"a group's members are no extensions any more", company(0, 4, pair), company(0, 4, []string{"7"}), []string{`group 1 "G" has lost all its members`}},
		{"a group's members never were extensions", company(0, 0, pair), company(0, 0, []string{"7"}), nil},
		{"everything goes", company(1, 2, pair), company(0, 0), []string{"the only rule is gone", "all 2 numbers are gone", "the only group is gone"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Losses(tt.old, tt.next); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestEmptiedGroupsAreNamedUpToALimit(t *testing.T) {
	full, empty := make([][]string, 25), make([][]string, 25)
	for i := range full {
		full[i] = []string{"101"}
	}
	got := Losses(company(0, 1, full...), company(0, 1, empty...))
	if len(got) != maxLosses+1 || got[maxLosses] != "5 more groups have lost all their members" {
		t.Errorf("got %q", got)
	}
}
