package routing

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ringside-pbx/ringside"
)

// world is a small set of numbers and moments on which every decision can be tried.
type world struct {
	callers, called []string
	moments         []time.Time
}

// smallWorld has a week with two holidays and the end of a year, and usual days.
func smallWorld(callers, called []string) world {
	w := world{callers: callers, called: called}
	for _, begin := range []string{"2026-12-29", "2026-11-23"} {
		day, _ := time.Parse(time.DateOnly, begin)
		for i := range 8 {
			for _, hour := range []int{0, 8, 9, 12, 18, 20} {
				w.moments = append(w.moments, day.AddDate(0, 0, i).Add(time.Duration(hour)*time.Hour))
			}
		}
	}
	return w
}

// texts are all texts of the characters up to a length.
func texts(chars string, length int) []string {
	out := []string{""}
	for last := out; length > 0; length-- {
		var next []string
		for _, t := range last {
			for _, c := range chars {
				next = append(next, t+string(c))
			}
		}
		out = append(out, next...)
		last = next
	}
	return out
}

// conditions change at no other hours than the moments of a smallWorld.
func conditions() []string {
	return []string{
		"", "", "", "mon", "weekdays 09:00-18:00", "weekends", "20:00-08:00", "08:00-20:00", "!weekdays", "mon-fri 00:00-09:00,18:00-24:00",
		"holidays", "!holidays", "2026-12-31", "!2026-12-31", "2026-12-31..2027-01-02 12:00-24:00", "fri 20:00-09:00; sun 12:00-24:00", "mon !mon",
	}
}

// drawDirectory draws rules over the patterns, with destinations of which some can't be used.
func drawDirectory(t *rapid.T, callers, called, times []string, sound bool) ringside.Directory {
	d := ringside.Directory{
		Version: "1", Holidays: []string{"2027-01-01", "2027-01-02"}, Numbers: staff("a", "b", "c", "d"),
		Groups: []ringside.RingGroup{team(1, "One", "a", "b"), team(2, "Two", "c")},
	}
	d.Numbers[1].Account = &ringside.Account{Active: true, CanReceiveExternalCalls: true, CanMakeExternalCalls: true, MaxConcurrentCalls: 1}
	d.Numbers[2].Active = sound
	if !sound {
		d.Groups[0].Active = rapid.Bool().Draw(t, "group 1 is active")
		d.Numbers[3].Account = &ringside.Account{Active: true, MaxConcurrentCalls: 1}
	}
	to := []ringside.Destination{toGroup(1), toGroup(2), toNumber("a"), hangUp()}
	if !sound {
		to = append(to, toNumber("c"), toNumber("d"), ringside.Destination{Action: ringside.RouteToOwner},
			ringside.Destination{Action: ringside.ForwardExternal, TargetExternal: "123"},
			ringside.Destination{Action: ringside.RouteToVoicemail, TargetNumber: "b"})
	}
	destination := rapid.SampledFrom(to)
	d.Rules = rules(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) ringside.Rule {
		r := ringside.Rule{
			Priority:            rapid.IntRange(0, 2).Draw(t, "priority"),
			CallerIDPattern:     rapid.SampledFrom(callers).Draw(t, "caller"),
			CalledNumberPattern: rapid.SampledFrom(called).Draw(t, "called"),
			TimeCondition:       rapid.SampledFrom(times).Draw(t, "time"),
			Destination:         destination.Draw(t, "to"),
		}
		if !sound && rapid.Bool().Draw(t, "has a fallback") {
			f := destination.Draw(t, "fallback")
			r.Fallback = &f
		}
		return r
	}), 1, 7).Draw(t, "rules")...)
	return d
}

// chosen tries every call from outside and from inside, and gives the rules that decided one.
func (w world) chosen(c *Compiled) map[int64]bool {
	chosen := map[int64]bool{}
	view := newDesk()
	for _, caller := range w.callers {
		for _, called := range w.called {
			for _, at := range w.moments {
				for _, from := range []string{"trunk", "a", "b"} {
					d := c.Decide(Query{
						Caller: ringside.Number{Raw: caller}, Called: ringside.Number{Raw: called}, Endpoint: from, At: at,
					}, view)
					if d.Rule != nil {
						chosen[d.Rule.ID] = true
					}
				}
			}
		}
	}
	return chosen
}

// said gives the rules that a finding is about.
func said(problems []ringside.Problem, codes ...string) map[int64]bool {
	out := map[int64]bool{}
	for _, p := range problems {
		if slices.Contains(codes, p.Code) {
			out[p.ID] = true
		}
	}
	return out
}

func TestNoRuleThatIsSaidToGetNoCallEverGetsOne(t *testing.T) {
	w := smallWorld(texts("123", 2), []string{"", "5", "51", "6"})
	callers := []string{"", "", "1", "^1", "12", "^1$", "2$", "1[23]", "[12]", "1.", "(1|23)", ".*", "1*2", "^[^1]", "(?i)1", `\b1`, `^\d$`, `^$`, `^(1|2)?$`, "^1^2", `\\1`}
	called := []string{"", "", "5", "^5$", "5|6", "5.", `5\d?$`}
	rapid.Check(t, func(t *rapid.T) {
		c, _ := Compile(drawDirectory(t, callers, called, conditions(), false))
		chosen := w.chosen(c)
		for _, p := range Check(c) {
			if (p.Code == "shadowed" || p.Code == "never-matches") && chosen[p.ID] {
				t.Fatalf("%v, but it decided a call", p)
			}
		}
	})
}

func TestEveryRuleOfPlainPatternsThatGetsNoCallIsFound(t *testing.T) {
	// The 3 is in no pattern: what begins with a pattern can always go on with something else.
	w := smallWorld([]string{"", "1", "12", "13", "122", "123", "11", "113", "2", "23", "3"}, []string{"", "5", "53", "6"})
	rapid.Check(t, func(t *rapid.T) {
		callers := []string{"", "1", "^1$", "12", "^12$", "^122", "11", "2"}
		c, _ := Compile(drawDirectory(t, callers, []string{"", "5", "^5$"}, conditions(), true))
		chosen := w.chosen(c)
		found := said(Check(c), "shadowed", "never-matches")
		for _, r := range c.rules {
			if !chosen[r.src.ID] && !found[r.src.ID] {
				t.Fatalf("rule %d decides no call, and nothing is said about it", r.src.ID)
			}
		}
	})
}

func TestUncoveredHoursAreThoseInWhichACallIsNotTaken(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		called := []string{"", "5", "^5$", "51", "^51$", "^[56]$"}
		doc := drawDirectory(t, []string{"", "", "", ".*", "1", "^$"}, called, conditions(), rapid.Bool().Draw(t, "sound"))
		c, _ := Compile(doc)
		k := newChecker(c)
		open := newOpenHours(k)
		for _, number := range []string{"5", "51", "6", "7"} {
			found, known := open.gaps(number)
			if !known {
				t.Fatalf("the hours of %s are not known", number)
			}
			var want, got []string
			for day := range 7 {
				for _, hour := range []int{0, 8, 9, 12, 18, 20} {
					at := time.Date(2026, 11, 23+day, hour, 0, 0, 0, time.UTC)
					q := Query{Caller: ringside.Number{Raw: "3"}, Called: ringside.Number{Raw: number}, Endpoint: "trunk", At: at}
					if c.Decide(q, newDesk()).Action == ringside.NotFound {
						want = append(want, at.Format("Mon 15:04"))
					}
					if slices.ContainsFunc(found.week, func(g weekGap) bool { return g.day == day && g.from <= hour*60 && hour*60 < g.to }) {
						got = append(got, at.Format("Mon 15:04"))
					}
				}
			}
			// The holidays of the small world are a Friday and a Saturday.
			for day := range 2 {
				for _, hour := range []int{0, 8, 9, 12, 18, 20} {
					q := Query{Caller: ringside.Number{Raw: "3"}, Called: ringside.Number{Raw: number}, Endpoint: "trunk"}
					q.At = time.Date(2026, 11, 27+day, hour, 0, 0, 0, time.UTC)
					usual := c.Decide(q, newDesk()).Action == ringside.NotFound
					q.At = time.Date(2027, 1, 1+day, hour, 0, 0, 0, time.UTC)
					gap := !usual && c.Decide(q, newDesk()).Action == ringside.NotFound
					_, asked := dateOf(found.holiday)
					if gap && found.holiday == 0 {
						t.Fatalf("calls to %s have no rule on %v, a holiday: said %v", number, q.At, found)
					}
					if is, _ := dateOf(found.holiday); asked && is == q.At.Format(time.DateOnly) {
						said := slices.ContainsFunc(found.onIt, func(g weekGap) bool { return g.from <= hour*60 && hour*60 < g.to })
						if said != gap {
							t.Fatalf("calls to %s on %v: said %v", number, q.At, found)
						}
					}
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("calls to %s: said %v, found %v", number, got, want)
			}
		}
	})
}

func dateOf(day int32) (string, bool) { return dateText(day), day != 0 }

func TestCirclesAndEmptyGroupsAreThoseThatASearchFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := ringside.Directory{Version: "1", Numbers: staff("a", "b", "c")}
		d.Numbers[1].Active = false
		n := int64(rapid.IntRange(1, 6).Draw(t, "groups"))
		for id := int64(1); id <= n; id++ {
			g := team(id, "", rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "x"}), 0, 3, rapid.ID).Draw(t, "members")...)
			for i := range g.Members {
				g.Members[i].Paused = rapid.Bool().Draw(t, "paused")
			}
			g.Active = rapid.IntRange(0, 3).Draw(t, "active") > 0
			if rapid.Bool().Draw(t, "overflows") {
				to := toGroup(int64(rapid.IntRange(1, int(n)).Draw(t, "to")))
				g.Overflow = &to
			}
			d.Groups = append(d.Groups, g)
		}
		c, _ := Compile(d)
		problems := Check(c)

		// A group is in a circle if somebody who follows the overflows comes back to it.
		circles := map[string]bool{} // by their lowest id
		empty := map[int64]bool{}
		for _, g := range d.Groups {
			if lowest, ok := circle(d.Groups, g.ID); ok {
				circles[string(rune('0'+lowest))] = true
			}
			useful := slices.ContainsFunc(g.Members, func(m ringside.Member) bool {
				return !m.Paused && (m.Number == "a" || m.Number == "c")
			})
			if g.Active && !useful {
				empty[g.ID] = true
			}
		}
		found := map[string]bool{}
		for id := range said(problems, "loop") {
			found[string(rune('0'+id))] = true
		}
		if !equalKeys(found, circles) {
			t.Fatalf("circles: said %v, found %v", found, circles)
		}
		if got := said(problems, "empty-group"); !equalKeys(got, empty) {
			t.Fatalf("empty groups: said %v, found %v", got, empty)
		}
	})
}

// circle gives the lowest id in the circle of active groups that a group is part of.
func circle(groups []ringside.RingGroup, id int64) (lowest int64, ok bool) {
	lowest = id
	for at, steps := id, 0; steps <= len(groups); steps++ {
		g := groups[at-1]
		if !g.Active || g.Overflow == nil {
			return 0, false
		}
		at = g.Overflow.TargetGroup.ID
		lowest = min(lowest, at)
		if at == id {
			return lowest, true
		}
	}
	return 0, false
}

func equalKeys[K comparable](a, b map[K]bool) bool {
	for k := range a {
		if !b[k] {
			return false
		}
	}
	return len(a) == len(b)
}

func TestLanguagesCoverEachOtherOnlyIfNoTextSaysOtherwise(t *testing.T) {
	all, more := texts("12a", 5), texts("12ax", 6)
	expression := rapid.Custom(drawExpression)
	rapid.Check(t, func(t *rapid.T) {
		a, b := expression.Draw(t, "a"), expression.Draw(t, "b")
		pa, errA := compilePattern(a)
		pb, errB := compilePattern(b)
		if errA != nil || errB != nil {
			t.Skip()
		}
		work := maxWork
		la, lb := newLanguage(pa, &work), newLanguage(pb, &work)
		counter := slices.IndexFunc(all, func(s string) bool { return lb.matches(s) && !la.matches(s) })
		switch covers := la.covers(lb); {
		case lb.void && slices.ContainsFunc(all, lb.matches):
			t.Fatalf("%q is said to match nothing", b)
		case lb.void:
		case covers && counter >= 0:
			t.Fatalf("%q is said to cover %q, but not %q", a, b, all[counter])
		case !covers && counter < 0 && len(lb.example) <= 2:
			// A longer text or another character may tell them apart: look with more of both.
			if !slices.ContainsFunc(more, func(s string) bool { return lb.matches(s) && !la.matches(s) }) {
				t.Fatalf("%q is not said to cover %q, and nothing tells them apart", a, b)
			}
		}
	})
}

// drawExpression draws a regular expression over 1, 2 and a.
func drawExpression(t *rapid.T) string {
	atom := rapid.SampledFrom([]string{"1", "2", "a", "12", "[12]", "(1|2)", "1?", "2*", "a+", ".", "(12|1)", "[^1]", "1{2}", "$", "()"})
	s := strings.Join(rapid.SliceOfN(atom, 0, 4).Draw(t, "atoms"), "")
	if rapid.Bool().Draw(t, "anchored") {
		s = "^" + s
	}
	if rapid.Bool().Draw(t, "ended") {
		s += "$"
	}
	return s
}
