package bench

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/ringside-pbx/ringside/test/pbx"
)

const (
	phone = "101"
	talk  = time.Second
	// A rate is too high when a call fails, or when this share of the INVITEs is sent again, or when
	// p99 is this long.
	maxResent = 0.005
	maxP99    = 100 * time.Millisecond
)

// mode is one way to decide where a call goes. The called number's prefix chooses it.
type mode struct{ name, prefix string }

var (
	plain    = mode{"dialplan only", "10"}
	minimal  = mode{"smallest FastAGI server", "13"}
	decide   = mode{"ringside /decide", "15"}
	curl     = mode{"CURL()", "14"}
	driven   = mode{"ringside drives, FastAGI", "29"}
	stasis   = mode{"ringside drives, ARI", "28"}
	allModes = []mode{plain, minimal, decide, curl, driven, stasis}
)

// sample is one run of one mode.
type sample struct {
	p50, p99       time.Duration
	asterisk       time.Duration // CPU per call
	ringside       time.Duration // CPU per call
	failed, resent int
}

// bench is the set-up.
type bench struct {
	*pbx.Asterisk
	t      *testing.T
	dir    string
	daemon *pbx.Daemon
	runs   int
}

// setting reads a number from the environment.
func setting(t *testing.T, name string, otherwise int) int {
	t.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv(name), strconv.Itoa(otherwise)))
	if err != nil || n < 1 {
		t.Fatalf("%s must be a number: %q", name, os.Getenv(name))
	}
	return n
}

func setUp(t *testing.T) *bench {
	t.Helper()
	if os.Getenv("RINGSIDE_BENCH") != "1" {
		t.Skip("measures for some minutes: test/pbx/install.sh once, then RINGSIDE_BENCH=1 go test -v -timeout 60m -run TestBench ./test/pbx/bench")
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	b := &bench{t: t, dir: t.TempDir()}
	bin := os.Getenv("RINGSIDE_BIN")
	if bin == "" {
		bin = filepath.Join(b.dir, "ringside")
		out, err := exec.Command("go", "build", "-o", bin, "github.com/ringside-pbx/ringside/cmd/ringside").CombinedOutput()
		if err != nil {
			t.Fatalf("build ringside: %v\n%s", err, out)
		}
	}
	var err error
	b.Asterisk, err = pbx.NewAsterisk(cmp.Or(os.Getenv("RINGSIDE_PBX_VERSIONS"), "22"), pbx.Options{})
	must(err)
	t.Cleanup(func() { _ = b.Close() })
	must(b.Start())
	p, err := b.LoadPhone(b.dir, phone)
	must(err)
	t.Cleanup(func() { _ = p.Kill() })
	r, err := pbx.StartResponder(b.Responder, pbx.SetRoute)
	must(err)
	t.Cleanup(func() { _ = r.Close() })
	must(b.serveCURL())
	b.daemon, err = pbx.StartDaemon(bin, b.dir, pbx.DaemonOptions{AGI: b.AGI, LogLevel: "info", Directory: `version: "1"
time_zone: UTC
default_country: RU
numbers: [{id: 1, number: "101", account: {can_receive_external_calls: true, max_concurrent_calls: 10000, call_recording_enabled: false}}]
rules: [{id: 1, name: All, called_number_pattern: "15101", action: route_to_number, target_number: "101"}]
`, Config: fmt.Sprintf("ari: {url: 'http://127.0.0.1:%d/ari', password: secret}\n", b.ARI)})
	must(err)
	must(b.daemon.ConnectedWithARI())
	t.Cleanup(func() { _ = b.daemon.Kill() })
	return b
}

// serveCURL answers CURL() as the smallest FastAGI server answers AGI().
func (b *bench) serveCURL() error {
	ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", b.HTTP))
	if err != nil {
		return err
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "PJSIP/"+r.URL.Query().Get("exten"))
	})}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	b.t.Cleanup(func() {
		_ = s.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			b.t.Error(err)
		}
	})
	return nil
}

// run makes calls for some seconds and measures.
func (b *bench) run(m mode, rate, seconds int) sample {
	b.t.Helper()
	b.runs++
	calls := rate * seconds
	cpu := func() (asterisk, daemon time.Duration) {
		asterisk, err1 := b.CPU()
		daemon, err2 := b.daemon.CPU()
		if err := errors.Join(err1, err2); err != nil {
			b.t.Fatal(err)
		}
		return asterisk, daemon
	}
	a0, d0 := cpu()
	r, err := b.Load(b.dir, fmt.Sprintf("load-%d", b.runs), pbx.LoadSpec{To: m.prefix + phone, Rate: rate, Calls: calls, Talk: talk})
	if err != nil {
		b.t.Fatal(err)
	}
	// Asterisk is through with the last calls' channels.
	if err := pbx.Until(time.Minute, "all channels are gone", func() (bool, error) {
		n, err := b.Channels()
		return n == 0, err
	}); err != nil {
		b.t.Fatal(err)
	}
	a1, d1 := cpu()
	s := sample{
		p50: r.Percentile(0.5), p99: r.Percentile(0.99), failed: r.Failed, resent: r.Resent,
		asterisk: (a1 - a0) / time.Duration(calls), ringside: (d1 - d0) / time.Duration(calls),
	}
	b.t.Logf("%-24s %4d/s  p50 %v p99 %v  Asterisk %v/call  ringside %v/call  failed %d, resent %d", m.name, rate,
		s.p50, s.p99, s.asterisk, s.ringside, s.failed, s.resent)
	return s
}

func median[T cmp.Ordered](all []sample, of func(sample) T) T {
	v := make([]T, len(all))
	for i, s := range all {
		v[i] = of(s)
	}
	slices.Sort(v)
	return v[len(v)/2]
}

// TestBenchCost measures at 100 calls/s what each way adds to the dialplan alone.
// RINGSIDE_BENCH_RATE, _SECONDS and _ROUNDS change the 100 calls/s, 10 s and 5 rounds.
func TestBenchCost(t *testing.T) {
	b := setUp(t)
	rate, seconds, rounds := setting(t, "RINGSIDE_BENCH_RATE", 100), setting(t, "RINGSIDE_BENCH_SECONDS", 10), setting(t, "RINGSIDE_BENCH_ROUNDS", 5)
	b.run(decide, rate, 2) // warm up
	results := map[mode][]sample{}
	for round := range rounds {
		// Each round begins with another mode: none is always the first.
		for i := range allModes {
			m := allModes[(round+i)%len(allModes)]
			results[m] = append(results[m], b.run(m, rate, seconds))
		}
	}

	type line struct{ p50, p99, cpu, own time.Duration }
	lines := map[mode]line{}
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "\nAsterisk %s, %d calls/s, %d rounds of %d s, medians\t\t\t\t\t\t\t\t\t\n", b.Version, rate, rounds, seconds)
	fmt.Fprintln(w, "who decides\tp50\tp99\tCPU/call\tadds p50\tp99\tCPU\tits own CPU\tfailed\tresent\t")
	for _, m := range allModes {
		all := results[m]
		l := line{
			median(all, func(s sample) time.Duration { return s.p50 }), median(all, func(s sample) time.Duration { return s.p99 }),
			median(all, func(s sample) time.Duration { return s.asterisk }), median(all, func(s sample) time.Duration { return s.ringside }),
		}
		lines[m] = l
		failed, resent := 0, 0
		for _, s := range all {
			failed, resent = failed+s.failed, resent+s.resent
		}
		own := "-"
		if m == decide || m == driven || m == stasis {
			own = ms(l.own)
		}
		base := lines[plain]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t\n", m.name, ms(l.p50), ms(l.p99), ms(l.cpu),
			ms(l.p50-base.p50), ms(l.p99-base.p99), ms(l.cpu-base.cpu), own, failed, resent)
	}
	w.Flush()
	// The addition is taken within each round, because the machine changes between rounds.
	ratio := func(m mode, of func(sample) time.Duration) float64 {
		var ringside, least []sample
		for i := range rounds {
			base := of(results[plain][i])
			ringside = append(ringside, sample{p50: of(results[m][i]) - base})
			least = append(least, sample{p50: of(results[minimal][i]) - base})
		}
		p50 := func(s sample) time.Duration { return s.p50 }
		return float64(median(ringside, p50)) / float64(median(least, p50))
	}
	for _, m := range []mode{decide, driven, stasis} {
		fmt.Fprintf(&out, "what %s adds / what the smallest server adds: p50 %.2f, p99 %.2f, CPU %.2f\n", m.name,
			ratio(m, func(s sample) time.Duration { return s.p50 }), ratio(m, func(s sample) time.Duration { return s.p99 }),
			ratio(m, func(s sample) time.Duration { return s.asterisk }))
	}
	t.Log(out.String())
}

// TestBenchKnee searches the highest rate that goes through, for the smallest FastAGI server, for ringside's
// /decide and for calls that it drives through ARI in turn, in steps of 25 calls/s from RINGSIDE_BENCH_FROM (150) on.
func TestBenchKnee(t *testing.T) {
	b := setUp(t)
	const step, seconds = 25, 8
	knee := map[mode]int{}
	over := map[mode]int{}
	for rate := setting(t, "RINGSIDE_BENCH_FROM", 150); rate <= 600 && (over[minimal] < 2 || over[decide] < 2 || over[stasis] < 2); rate += step {
		for _, m := range []mode{minimal, decide, stasis} {
			if over[m] >= 2 {
				continue
			}
			// One bad run may be the machine's fault: a second one decides.
			for range 2 {
				s := b.run(m, rate, seconds)
				if s.failed == 0 && float64(s.resent) <= maxResent*float64(rate*seconds) && s.p99 <= maxP99 {
					knee[m] = rate
					break
				}
			}
			if knee[m] == rate {
				over[m] = 0
			} else {
				over[m]++
			}
		}
	}
	for _, m := range []mode{decide, stasis} {
		t.Logf("\nknee: %s %d calls/s, %s %d calls/s, ratio %.2f", minimal.name, knee[minimal], m.name, knee[m],
			float64(knee[m])/float64(knee[minimal]))
	}
}

func ms(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
}
