package routing

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/ringside-pbx/ringside"
)

// The engine without its index, Full, is the reference: both find the same rule.
func TestIndexFindsWhatTryingEveryRuleFinds(t *testing.T) {
	pattern := rapid.Custom(func(t *rapid.T) string {
		digits := rapid.StringMatching(`[12]{0,4}`).Draw(t, "digits")
		return rapid.SampledFrom([]string{"", "^", `^\+7`, `\+7`, "^8", "^[12]", "(1|22)", "1?", ".*", "^(2|^1)", "(?i)a", `\+?7`, "[3-9]"}).Draw(t, "begin") +
			digits + rapid.SampledFrom([]string{"", "", "$", `\d$`, "[12]", ".*2", "+"}).Draw(t, "end")
	})
	number := rapid.OneOf(
		rapid.StringMatching(`[127]{0,6}`), rapid.StringMatching(`(8|\+7)9[12]{9}`), rapid.StringMatching(`(8|\+7)[12]{3}`), rapid.Just("a2"),
	)
	rapid.Check(t, func(t *rapid.T) {
		d := ringside.Directory{Version: "1", DefaultCountry: "RU"}
		for i := range rapid.IntRange(1, 60).Draw(t, "rules") {
			d.Rules = append(d.Rules, ringside.Rule{
				ID: int64(i + 1), Priority: rapid.IntRange(0, 3).Draw(t, "priority"), Active: true, Destination: hangUp(),
				CallerIDPattern: pattern.Draw(t, "caller"), CalledNumberPattern: pattern.Draw(t, "called"),
			})
		}
		c, _ := Compile(d)
		for range 20 {
			q := c.asking(number.Draw(t, "caller"), number.Draw(t, "called"))
			q.Detail = Full
			want := c.Decide(q, newDesk()).Rule
			for _, detail := range []Detail{Silent, Looked} {
				q.Detail = detail
				if got := c.Decide(q, newDesk()).Rule; got != want {
					t.Fatalf("%+v: rule %+v, want %+v", q, got, want)
				}
			}
		}
	})
}

func TestIndexOfManyRulesFindsWhatTryingEveryRuleFinds(t *testing.T) {
	const n = 3000
	c := compiled(t, provider(n))
	list := newLinear(c)
	r := rand.New(rand.NewPCG(5, 6))
	for _, q := range calls(c, n)[:500] {
		if r.IntN(4) == 0 {
			q.Caller = ringside.Number{}
		}
		want := &c.rules[list.find(&q)]
		if got := c.Decide(q, newDesk()).Rule; got != want.src {
			t.Fatalf("%+v: rule %d, want %d", q, got.ID, want.src.ID)
		}
	}
}
