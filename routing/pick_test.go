package routing

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ringside-pbx/ringside"
)

// salesWith is the office in which every call goes to Sales with the strategy.
func salesWith(t testing.TB, strategy ringside.Strategy, members ...string) *Compiled {
	t.Helper()
	return compiled(t, oneRule(toGroup(1), func(d *ringside.Directory) {
		d.Groups[0] = team(1, "Sales", members...)
		d.Groups[0].Strategy = strategy
	}))
}

// share decides n calls, each of which is over before the next one comes, and counts whom they
// reach.
func share(c *Compiled, view *desk, n int) map[string]int {
	got := map[string]int{}
	q := c.asking("89161112233", "84951000000")
	for i := range n {
		q.Random = uint64(i) * 0x5851f42d4c957f2d
		d := c.Decide(q, view)
		view.take(d)
		got[d.Target]++
	}
	return got
}

func TestHundredQuickCallsOverFourFreeMembersAreTwentyFiveEach(t *testing.T) {
	c := salesWith(t, ringside.RoundRobin, "101", "102", "103", "104")
	want := map[string]int{"101": 25, "102": 25, "103": 25, "104": 25}
	if got := share(c, newDesk(), 100); !maps.Equal(got, want) {
		t.Error(got)
	}
	// Again, with a restart after every seventh call.
	view, got := newDesk(), map[string]int{}
	for n := 100; n > 0; n -= 7 {
		for member, calls := range share(c, view, min(n, 7)) {
			got[member] += calls
		}
		saved := view
		view = newDesk()
		maps.Copy(view.turns, saved.turns)
		maps.Copy(view.last, saved.last)
	}
	if !maps.Equal(got, want) {
		t.Error("across restarts:", got)
	}
}

func TestRoundRobinIsFairWhateverHappensToTheGroup(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		everyone := []string{"101", "102", "103", "104", "105", "106"}
		view := newDesk()
		for range rapid.IntRange(1, 5).Draw(t, "edits") {
			members := rapid.SliceOfNDistinct(rapid.SampledFrom(everyone), 1, 6, rapid.ID).Draw(t, "members")
			d := oneRule(toGroup(1), func(d *ringside.Directory) {
				d.Numbers[4].Account = nil
				d.Groups[0] = team(1, "Sales", members...)
			})
			c, _ := Compile(d)
			// Who is new, or has been away, is owed one turn and no more: then all are alike.
			share(c, view, len(members))
			n := rapid.IntRange(0, 40).Draw(t, "calls")
			got := share(c, view, n)
			for _, m := range members {
				if got[m] < n/len(members) || got[m] > (n+len(members)-1)/len(members) {
					t.Fatalf("%d calls over %v: %v", n, members, got)
				}
			}
		}
	})
}

func TestByPriorityIsTheOrderOfTheMembers(t *testing.T) {
	c := compiled(t, oneRule(toGroup(1), func(d *ringside.Directory) {
		d.Groups[0].Strategy = ringside.ByPriority
		d.Groups[0].Members = []ringside.Member{{Number: "104", Priority: 3}, {Number: "103", Priority: 1}, {Number: "101", Priority: 2}, {Number: "102", Priority: 1}}
	}))
	view := newDesk()
	for _, want := range []string{"103", "102", "101", "104"} {
		if d := c.Decide(c.asking("1", "2"), view); d.Target != want {
			t.Errorf("%s, want %s", d.Target, want)
		}
		view.activity[want] = ringside.Activity{Ringing: 1}
	}
}

func TestLeastRecentIsWhoseLastTalkEndedLongestAgo(t *testing.T) {
	c := salesWith(t, ringside.LeastRecent, "101", "102", "103", "104")
	view := newDesk()
	for i, n := range []string{"103", "101", "104"} { // 102 has never talked
		view.activity[n] = ringside.Activity{LastTalk: monday().Add(time.Duration(i-10) * time.Minute)}
	}
	q := c.asking("1", "2")
	for _, want := range []string{"102", "103", "101", "104"} {
		if d := c.Decide(q, view); d.Target != want {
			t.Errorf("%s, want %s", d.Target, want)
		}
		q.Tried = append(q.Tried, want)
	}
}

func TestAllRingRingsEveryFreeMember(t *testing.T) {
	c := salesWith(t, ringside.AllRing, "101", "102", "103", "104")
	numbers := c.Members(1)
	for mask := range 16 {
		view := newDesk()
		var want []string
		for i, n := range numbers {
			if mask>>i&1 == 0 {
				view.activity[n] = ringside.Activity{Talking: 1}
			} else {
				want = append(want, n)
			}
		}
		d := c.Decide(c.asking("1", "2"), view)
		got := d.Targets
		if len(want) == 1 && got == nil {
			got = []string{d.Target}
		}
		if mask == 0 && d.Action != ringside.Queue || mask > 0 && (!slices.Equal(got, want) || d.Target != want[0]) {
			t.Errorf("%v are free: %s", want, told(d))
		}
	}
}

func TestRandomIsEvenAmongThoseWhoAreFree(t *testing.T) {
	c := salesWith(t, ringside.RandomPick, "101", "102", "103", "104", "106")
	view := newDesk()
	view.activity["102"] = ringside.Activity{Talking: 1}
	const n = 20_000
	got := share(c, view, n)
	for _, m := range []string{"101", "103", "104", "106"} {
		if got[m] < n/4*9/10 || got[m] > n/4*11/10 {
			t.Errorf("%s got %d of %d calls", m, got[m], n)
		}
	}
	if got["102"] > 0 || len(got) != 4 {
		t.Error(got)
	}
}

// drawActivity draws what an extension does.
func drawActivity(t *rapid.T) ringside.Activity {
	return ringside.Activity{
		Ringing: rapid.IntRange(0, 1).Draw(t, "ringing"), Talking: rapid.IntRange(0, 2).Draw(t, "talking"),
		Presence: ringside.Presence(rapid.IntRange(0, 2).Draw(t, "presence")),
		Promised: rapid.IntRange(0, 4).Draw(t, "promised") == 0, Resting: rapid.IntRange(0, 4).Draw(t, "resting") == 0,
		LastTalk: monday().Add(-time.Duration(rapid.IntRange(0, 3).Draw(t, "talked")) * time.Hour),
	}
}

func TestNobodyIsRungWhoCanNotTakeTheCall(t *testing.T) {
	strategies := []ringside.Strategy{ringside.RoundRobin, ringside.RandomPick, ringside.ByPriority, ringside.AllRing, ringside.LeastRecent, "other"}
	rapid.Check(t, func(t *rapid.T) {
		everyone := []string{"101", "102", "103", "104", "105", "106", "107", "999"}
		doc := oneRule(toGroup(1), func(d *ringside.Directory) {
			d.Groups[0] = team(1, "Sales", rapid.Permutation(everyone).Draw(t, "members")...)
			d.Groups[0].Strategy = rapid.SampledFrom(strategies).Draw(t, "strategy")
			for i := range d.Groups[0].Members {
				d.Groups[0].Members[i].Paused = rapid.IntRange(0, 4).Draw(t, "paused") == 0
			}
		})
		c, _ := Compile(doc)
		view := newDesk()
		for _, n := range everyone {
			view.activity[n] = drawActivity(t)
			view.turns[turnOf{1, n}] = rapid.Uint64Range(0, 5).Draw(t, "turn")
		}
		q := c.asking("89161112233", "84951000000")
		q.Endpoint = rapid.SampledFrom([]string{"trunk", "101"}).Draw(t, "from")
		q.Random = rapid.Uint64().Draw(t, "random")
		q.Tried = rapid.SliceOf(rapid.SampledFrom(everyone)).Draw(t, "tried")

		able := map[string]bool{}
		for _, m := range doc.Groups[0].Members {
			a := view.activity[m.Number]
			able[m.Number] = !m.Paused && m.Number != "999" && m.Number != "107" && (m.Number != "105" || q.Endpoint == "101") &&
				!a.Busy() && a.Presence != ringside.PresenceUnreachable && !a.Promised && !slices.Contains(q.Tried, m.Number)
		}
		free := 0
		for _, ok := range able {
			if ok {
				free++
			}
		}
		d := c.Decide(q, view)
		if (d.Action == ringside.Route) != (free > 0) {
			t.Fatalf("%d members are free: %s", free, told(d))
		}
		if d.Action != ringside.Route {
			return
		}
		rung := d.Targets
		if rung == nil {
			rung = []string{d.Target}
		}
		for _, n := range rung {
			if !able[n] {
				t.Fatalf("%s is rung: %+v", n, view.activity[n])
			}
		}
		if doc.Groups[0].Strategy == ringside.AllRing && len(rung) != free {
			t.Fatalf("%d are free, and %v are rung", free, rung)
		}
		for range 2 {
			if again := c.Decide(q, view); fmt.Sprint(again) != fmt.Sprint(d) {
				t.Fatalf("the same query is decided otherwise: %v, %v", d, again)
			}
		}
	})
}
