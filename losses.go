package ringside

import (
	"fmt"
	"strconv"
)

// maxLosses is how many groups without members are named one by one.
const maxLosses = 20

// Losses says in words why next looks like an accident rather than like a change of old: more than
// half of the rules, numbers or groups are gone (by their ids), or a group that stays has nobody
// left, because its members were taken out or because none of them is an extension any more. It is
// empty if nothing looks like an accident. What old did not have can't be lost.
func Losses(old, next *Directory) []string {
	var losses []string
	gone := func(kind string, was, is map[int64]int) {
		missing := 0
		for id := range was {
			if _, kept := is[id]; !kept {
				missing++
			}
		}
		switch n := len(was); {
		case 2*missing <= n:
		case missing < n:
			losses = append(losses, fmt.Sprintf("%d of %d %ss are gone", missing, n, kind))
		case n == 1:
			losses = append(losses, "the only "+kind+" is gone")
		default:
			losses = append(losses, fmt.Sprintf("all %d %ss are gone", n, kind))
		}
	}
	gone("rule", byID(old.Rules, ruleID), byID(next.Rules, ruleID))
	gone("number", byID(old.Numbers, numberID), byID(next.Numbers, numberID))
	after := byID(next.Groups, groupID)
	gone("group", byID(old.Groups, groupID), after)

	had, have := old.extensions(), next.extensions()
	emptied := 0
	for i := range old.Groups {
		was := &old.Groups[i]
		j, stays := after[was.ID]
		if !stays || !emptyNow(was, &next.Groups[j], had, have) {
			continue
		}
		if emptied++; emptied <= maxLosses {
			losses = append(losses, "group "+strconv.FormatInt(was.ID, 10)+" "+strconv.Quote(clipped(was.Name))+" has lost all its members")
		}
	}
	if emptied > maxLosses {
		losses = append(losses, fmt.Sprintf("%d more groups have lost all their members", emptied-maxLosses))
	}
	return losses
}

// emptyNow reports whether a group that had somebody has nobody.
func emptyNow(was, is *RingGroup, had, have map[string]bool) bool {
	if len(is.Members) == 0 {
		return len(was.Members) > 0
	}
	return staffed(was, had) && !staffed(is, have)
}

func staffed(g *RingGroup, extensions map[string]bool) bool {
	for _, m := range g.Members {
		if extensions[m.Number] {
			return true
		}
	}
	return false
}

func (d *Directory) extensions() map[string]bool {
	set := make(map[string]bool, len(d.Numbers))
	for i := range d.Numbers {
		set[d.Numbers[i].Number] = true
	}
	return set
}

func ruleID(r *Rule) (id int64, name, summary string) { return r.ID, r.Name, "" }

func numberID(e *Extension) (id int64, name, summary string) { return e.ID, e.Number, "" }

func groupID(g *RingGroup) (id int64, name, summary string) { return g.ID, g.Name, "" }
