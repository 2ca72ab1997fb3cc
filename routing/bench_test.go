package routing

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime"
	"slices"
	"sort"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
)

// provider makes the directory of a company with very many numbers: most rules are about one called
// number, many of those about some callers or hours only, some about ranges of numbers, and a few
// about every call. The mix is the same for every n.
func provider(n int) ringside.Directory {
	r := rand.New(rand.NewPCG(1, 2))
	d := ringside.Directory{
		Version: "1", TimeZone: "Europe/Moscow", DefaultCountry: "RU",
		Numbers:  staff("101", "102", "103", "104", "105", "106", "107", "108"),
		Groups:   []ringside.RingGroup{team(1, "Sales", "101", "102", "103", "104"), team(2, "Support", "105", "106", "107", "108")},
		Holidays: []string{"2027-01-01", "2027-01-07"},
	}
	when := []string{"", "", "weekdays 09:00-18:00", "weekdays 09:00-18:00 !holidays", "weekends", "20:00-08:00"}
	for i := range n {
		rule := ringside.Rule{
			ID: int64(i + 1), Name: fmt.Sprintf("Rule %d", i+1), Priority: 1 + i*1000/n, Active: true,
			TimeCondition: when[r.IntN(len(when))], Destination: toGroup(int64(1 + i%2)),
		}
		switch k := r.IntN(100); {
		case k < 55:
			rule.CalledNumberPattern = fmt.Sprintf(`^\+7495%07d$`, r.IntN(n)*(10_000_000/n))
		case k < 75:
			rule.CalledNumberPattern = fmt.Sprintf(`^\+7495%07d`, r.IntN(n)*(10_000_000/n))
			rule.CallerIDPattern = fmt.Sprintf(`^\+79%02d`, r.IntN(100))
		case k < 90:
			rule.CallerIDPattern = fmt.Sprintf(`^\+79%07d`, r.IntN(10_000_000))
		default:
			rule.CalledNumberPattern = fmt.Sprintf(`^\+7(495|499)%05d\d{2}$`, r.IntN(n)*(100_000/n))
		}
		d.Rules = append(d.Rules, rule)
	}
	for i, called := range []string{"", "^8800"} { // the last rules of all
		d.Rules = append(d.Rules, ringside.Rule{ID: int64(n + i + 1), Priority: 2000, CalledNumberPattern: called, Active: true, Destination: toGroup(1)})
	}
	return d
}

// calls are queries that are spread over the numbers, half of them on a number with a rule.
func calls(c *Compiled, n int) []Query {
	r := rand.New(rand.NewPCG(3, 4))
	out := make([]Query, 4096)
	for i := range out {
		called := fmt.Sprintf("+7495%07d", r.IntN(10_000_000))
		if i%2 == 0 {
			called = fmt.Sprintf("+7495%07d", r.IntN(n)*(10_000_000/n))
		}
		out[i] = Query{
			Caller: c.Number(fmt.Sprintf("89%09d", r.IntN(1_000_000_000))), Called: c.Number(called), Endpoint: "trunk",
			At: monday().Add(time.Duration(r.IntN(7*24*60)) * time.Minute),
		}
	}
	return out
}

func BenchmarkDecide(b *testing.B) {
	for _, n := range []int{100, 10_000, 100_000} {
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			c := compiled(b, provider(n))
			queries, view := calls(c, n), newDesk()
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if d := c.Decide(queries[i%len(queries)], view); d.Action != ringside.Route {
					b.Fatal(d.Action)
				}
				i++
			}
		})
	}
}

// linear is the plain way: every rule's compiled expressions in order.
type linear struct {
	c     *Compiled
	rules []linearRule
}

type linearRule struct {
	caller, called *regexp.Regexp
	when           *schedule
}

func newLinear(c *Compiled) *linear {
	l := &linear{c: c}
	compile := func(p *pattern) *regexp.Regexp {
		if p == nil {
			return nil
		}
		return regexp.MustCompile(`\A(?:` + p.src + `)`)
	}
	for i := range c.rules {
		r := &c.rules[i]
		l.rules = append(l.rules, linearRule{compile(r.caller), compile(r.called), r.when})
	}
	return l
}

func (l *linear) find(q *Query) int {
	match := func(re *regexp.Regexp, n ringside.Number) bool {
		return re == nil || re.MatchString(n.Raw) || n.E164 != "" && n.E164 != n.Raw && re.MatchString(n.E164)
	}
	local := localize(q.At, l.c.zone)
	for i := range l.rules {
		r := &l.rules[i]
		if match(r.called, q.Called) && match(r.caller, q.Caller) && (r.when == nil || r.when.open(local, l.c.holidays)) {
			return i
		}
	}
	return -1
}

func BenchmarkLinearList(b *testing.B) {
	c := compiled(b, provider(10_000))
	queries, l := calls(c, 10_000), newLinear(c)
	i := 0
	for b.Loop() {
		if l.find(&queries[i%len(queries)]) < 0 {
			b.Fatal("no rule")
		}
		i++
	}
}

func BenchmarkLoad(b *testing.B) {
	doc, err := json.Marshal(provider(100_000))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		load(b, doc)
	}
}

func load(t testing.TB, doc []byte) *Compiled {
	d, _, err := ringside.DecodeDirectory(doc)
	if err != nil {
		t.Fatal(err)
	}
	return compiled(t, d)
}

// TestPerformance prints what make bench shows: figures of one run, both sides interleaved.
func TestPerformance(t *testing.T) {
	if os.Getenv("RINGSIDE_BENCH") == "" {
		t.Skip("set RINGSIDE_BENCH=1")
	}
	const rounds = 7
	sizes := []int{100, 10_000, 100_000}
	var engines []*Compiled
	var queries [][]Query
	for _, n := range sizes {
		engines = append(engines, compiled(t, provider(n)))
		queries = append(queries, calls(engines[len(engines)-1], n))
	}
	list := newLinear(engines[1])
	view := newDesk()
	times := make([][]float64, len(sizes)+1)
	for range rounds {
		for i, c := range engines {
			const each = 200_000
			begin := time.Now()
			for k := range each {
				c.Decide(queries[i][k%len(queries[i])], view)
			}
			times[i] = append(times[i], float64(time.Since(begin))/each)
		}
		const each = 500
		begin := time.Now()
		for k := range each {
			list.find(&queries[1][k])
		}
		times[len(sizes)] = append(times[len(sizes)], float64(time.Since(begin))/each)
	}
	fmt.Printf("\nP4  one decision, median of %d rounds       ns   to 100 rules\n", rounds)
	for i, n := range sizes {
		fmt.Printf("    %7d rules                    %9.0f %10.2f x\n", n, median(times[i]), median(times[i])/median(times[0]))
	}
	fmt.Printf("    %7d expressions one by one   %9.0f %10.0f x\n", sizes[1], median(times[len(sizes)]), median(times[len(sizes)])/median(times[0]))
	allocs := testing.AllocsPerRun(10_000, func() { engines[2].Decide(queries[2][0], view) })
	fmt.Printf("    allocations per decision         %9.0f\n", allocs)

	doc, err := json.Marshal(provider(100_000))
	if err != nil {
		t.Fatal(err)
	}
	var seconds, checking []float64
	var kept []float64
	for range rounds {
		before := heap()
		begin := time.Now()
		c := load(t, doc)
		seconds = append(seconds, time.Since(begin).Seconds())
		kept = append(kept, float64(heap()-before)/(1<<20))
		begin = time.Now()
		Check(c)
		checking = append(checking, time.Since(begin).Seconds())
		runtime.KeepAlive(c)
	}
	fmt.Printf("\nP5  100000 rules, %.1f MB of JSON\n", float64(len(doc))/(1<<20))
	fmt.Printf("    decoding and compiling           %9.2f s\n", median(seconds))
	fmt.Printf("    memory that stays in use         %9.0f MB\n", median(kept))
	fmt.Printf("    static check                     %9.2f s\n", median(checking))
	swap(t, doc, queries[2])
}

// heap is what is in use once all garbage is collected.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func median(of []float64) float64 {
	sorted := slices.Clone(of)
	sort.Float64s(sorted)
	return sorted[len(sorted)/2]
}
