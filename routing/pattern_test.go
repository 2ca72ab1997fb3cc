package routing

import (
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/ringside-pbx/ringside"
)

// reference is what a pattern means: of all matches the leftmost one is at the beginning.
func reference(src string) func(string) bool {
	re := regexp.MustCompile(src)
	return func(s string) bool {
		at := re.FindStringIndex(s[:min(len(s), ringside.MaxNumber)])
		return at != nil && at[0] == 0
	}
}

func TestPatternMatchesLikeTheExpressionAtTheBeginning(t *testing.T) {
	atom := rapid.SampledFrom([]string{
		"1", "2", "12", `\+`, `\Q1`, `\Q1\E`, "[12]", "[^1]", "[0-9]", `\d`, ".", "(1|2)", "(12|1|)", "1?", "2*", "(12)+", "1{2}", "2{0,2}", "^", "$", "()", "(?i)a", `\b`, "ж", "(?:1|2$)", `\x{FFFD}`,
	})
	text := rapid.OneOf(rapid.StringMatching(`[12+aAж]{0,6}`), rapid.StringN(0, 5, 20), rapid.Just("1\xff2"))
	rapid.Check(t, func(t *rapid.T) {
		src := strings.Join(rapid.SliceOfN(atom, 1, 5).Draw(t, "atoms"), "")
		p, err := compilePattern(src)
		if err != nil || p == nil {
			t.Skip()
		}
		match := reference(src)
		for range 20 {
			s := text.Draw(t, "text")
			if got, want := p.matchText(s), match(s); got != want {
				t.Fatalf("%q on %q: %v, want %v", src, s, got, want)
			}
		}
	})
}

func TestPatternHasTheShapeThatItsTextShows(t *testing.T) {
	for _, tt := range []struct {
		src            string
		prefixes       string
		literal, exact bool
	}{
		{"100", "100", true, false},
		{"^100", "100", true, false},
		{"^100$", "100", false, true},
		{`^\+7(495|499)`, "+7495 +7499", true, false},
		{`^\+7(495|499)$`, "+7495 +7499", false, true},
		{`^10[0-2]$`, "100 101 102", false, true},
		{`\+79\d{9}$`, "+790 +791 +792 +793 +794 +795 +796 +797 +798 +799", false, false},
		{`^8?900`, "8900 900", true, false},
		{`12.*`, "12", true, false},
		{`12.*3`, "12", false, false},
		{`.*`, "", false, false},
		{`[1-9]|`, "", false, false},
		{`(?i)abc`, "", false, false},
		{`1|^2`, "", false, false},
	} {
		p, err := compilePattern(tt.src)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(p.prefixes, " "); got != tt.prefixes || p.literal != tt.literal || p.exact != tt.exact {
			t.Errorf("%s: begins with %q, literal %v, exact %v", tt.src, got, p.literal, p.exact)
		}
	}
}

func TestWithheldCallerMatchesOnlyWhatIsMeantForEverybody(t *testing.T) {
	n := NewNormalizer("RU")
	for _, raw := range []string{"", "anonymous", "Unknown", " ", "sip:anonymous@anonymous.invalid", "\x00\x00"} {
		for src, want := range map[string]bool{"": true, ".*": true, "^$": true, `^\+79`: false, `\+?7`: false, ".": false, "anonymous": false} {
			p, err := compilePattern(src)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.match(n.Normalize(raw)); got != want {
				t.Errorf("%q on a caller who shows %q: %v", src, raw, got)
			}
		}
	}
}

func TestNoPatternIsSlow(t *testing.T) {
	number := ringside.Number{Raw: strings.Repeat("9", 4096)}
	for _, src := range []string{
		"(9+)+$", "(9|99)+x", "(9*)*x", `(\d+)*\D`, strings.Repeat("9?", 60) + "x", strings.Repeat("(9|9", 30) + strings.Repeat(")", 30), `(9{1,15}){1,15}x`, `.{250}x`,
	} {
		p, err := compilePattern(src)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		p.match(number) // compiles
		best := time.Hour
		for range 5 {
			begin := time.Now()
			p.match(number)
			best = min(best, time.Since(begin))
		}
		t.Logf("%-12.12s %v", src, best)
		if best > 200*time.Millisecond { // about 0.1 ms without the race detector on a quiet machine; without the bound it was seconds
			t.Errorf("%s takes %v", src, best)
		}
	}
}

func FuzzPattern(f *testing.F) {
	for _, s := range [][2]string{
		{`^\+7(495|499)\d{7}$`, "+74951234567"},
		{"(a|b)*c{2,3}", "ababcc"},
		{"^$", ""},
		{`\x{FFFD}`, "\xff"},
		{"(?i)ж|K", "Ж"},
		{`\Q1+\E`, "1+1"},
		{"[[:digit:]]?$", "1"},
		{"(?m)^1$", "1"},
		{"(?U)1+", "11"},
		{"1{1000}", "1"},
		{`\Q`, "0"},
		{`1\Q.|(`, "1.|("},
		{"((1{9}){9}){9}", "1"},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, src, text string) {
		p, err := compilePattern(src)
		if err != nil {
			if patternHint(src, err) == "" {
				t.Errorf("no hint on %q", src)
			}
			return
		}
		if p == nil {
			return
		}
		match := reference(src)
		begin := time.Now()
		if got, want := p.matchText(text), match(text); got != want {
			t.Fatalf("%q on %q: %v, want %v", src, text, got, want)
		}
		if took := time.Since(begin); took > 20*time.Second {
			t.Fatalf("%q on %q takes %v", src, text, took)
		}
		work := maxWork
		l := newLanguage(p, &work)
		if l.void && len(text) <= ringside.MaxNumber && utf8.ValidString(text) && !strings.ContainsFunc(text, unwritten) && match(text) {
			t.Fatalf("%q is said to match nothing, and matches %q", src, text)
		}
		if l.example != "" && !l.matches(l.example) {
			t.Fatalf("%q does not match its example %q", src, l.example)
		}
	})
}

func unwritten(r rune) bool {
	for _, s := range written() {
		if r >= s.from && r <= s.to {
			return false
		}
	}
	return true
}

func FuzzCompile(f *testing.F) {
	f.Add([]byte(`{"version":"1","numbers":[{"number":"101"}],"groups":[{"name":"g","members":["101","x"],"overflow":{"action":"route_to_group","target_group":"g"}}],"rules":[{"action":"route_to_group","target_group":1,"caller_id_pattern":"^1","time_condition":"mon"}]}`), "1", "101")
	f.Add([]byte(`{"version":1,"rules":[{"action":"route_to_queue","target_group":2},{"action":"hangup","fallback":{"action":"hangup"}}],"holidays":["x","2026-01-01"],"time_zone":"Mars/One"}`), "", "")
	f.Add([]byte(`{"version":"1","groups":[{"id":1,"name":"a","distribution_strategy":"x","max_queue_size":0},{"id":1,"name":"b"}],"defaults":{"action":"route_to_owner","target_group":"a"}}`), "\xff", "sip:a@b")
	f.Fuzz(func(t *testing.T, doc []byte, caller, called string) {
		d, _, err := ringside.DecodeDirectory(doc)
		if err != nil {
			return
		}
		c, problems := Compile(d)
		for _, p := range append(problems, Check(c)...) {
			if p.Code == "" || p.Text == "" {
				t.Errorf("%+v", p)
			}
		}
		q := c.asking(caller, called)
		plain := c.Decide(q, newDesk())
		q.Detail = Full
		if full := c.Decide(q, newDesk()); told(full) != told(plain) || full.Rule != plain.Rule {
			t.Errorf("%s, but %s when it is explained", told(plain), told(full))
		}
	})
}
