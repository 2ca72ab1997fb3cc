package plan

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// bytewise reads an expression as PCRE without UTF does, byte by byte.
func bytewise(expression string) (*regexp.Regexp, error) { return regexp.Compile(latin(expression)) }

// latin gives a text one character for each byte.
func latin(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

func TestPatternsFindTheSameNumbersInPCRE(t *testing.T) {
	texts := []string{
		"", "1", "100", "101", "2000", "+79001234567", "89001234567", "x100", "100x", "*72", "#1", "a_b", "A-B.c", "Анна", "АННА", "анна1",
		"日本", "😀", "é", "1'2", `1"2`, "1$2", "${a}", `\`, "[1]", "{1}", "a b", "k\u212a", "ſ", "\u00ad1", "(1)", "^1", "1|2", "~", "\u07ff\u0800\uffff",
	}
	for _, p := range []string{
		"", "1", "^100$", "^10[01]$", "10.", `\+7\d{10}`, `^\+?[78]9\d{9}$`, `[^0-9]`, `^[^0]*$`, "(?i)a_B", "(?i)анна", "анна", "[а-яё]+", "[^а]", ".{2}$",
		"^.$", "^...$", `\x{1F600}`, `[\x{80}-\x{ffff}]`, `[\x{7f}-\x{10ffff}]`, `\pL+$`, `\p{Cyrillic}`, `[[:alpha:]]{2}`, `\Q${a}\E`, `\$`, `1\$2`, `'`,
		`\\`, `\[1\]`, `(?P<x>1)0`, `a|b|1`, `(a|1){2}`, `(|1)$`, `\b100\b`, `\B1`, `^(?:)$`, `[^\x00-\x{10FFFF}]`, `x*`, `1+?`, `(10)?0`, `a b`, `\z`, `(?m)^1$`,
		`(?s).`, `1{2,}`, `0{0}1`, `(?i)k`, `[{}]`, `\^1`, `~`, `\(`, `[+*#]`, `[\-\]\\^]`, `\d-`, `(?U)1*`,
	} {
		want := regexp.MustCompile(`\A(?:` + p + `)`)
		got, err := atStart(p)
		if err != nil {
			t.Errorf("%s: %v", p, err)
			continue
		}
		if strings.ContainsAny(got, "$'\"&") || strings.Contains(got, `\\`) {
			t.Errorf("%s is written %s, which FreeSWITCH would change", p, got)
		}
		re, err := bytewise(got)
		if err != nil {
			t.Errorf("%s is written %s: %v", p, got, err)
			continue
		}
		asked := perl(t, got, texts)
		for i, s := range texts {
			w := want.MatchString(s)
			if g := re.MatchString(latin(s)); w != g {
				t.Errorf("%s, written %s, matches %q: %v, want %v", p, got, s, g, w)
			}
			if asked != "" && asked[i] == '1' != w {
				t.Errorf("Perl says of %s, written %s, and %q: %c, want %v", p, got, s, asked[i], w)
			}
		}
	}
}

// perl asks Perl, whose expressions are PCRE's model, with a 1 for each text that matches; it gives nothing where
// there is none.
func perl(t *testing.T, expression string, texts []string) string {
	t.Helper()
	path, err := exec.LookPath("perl")
	if err != nil {
		return ""
	}
	args := append([]string{"-e", `$re = shift; print /$re/ ? 1 : 0 for @ARGV`, expression}, texts...)
	out, err := exec.Command(path, args...).Output()
	if err != nil {
		t.Fatalf("perl: %v", err)
	}
	return string(out)
}

func TestPatternsThatKeepFreeSWITCHBusyAreRefused(t *testing.T) {
	for _, p := range []string{`(1+)+$`, `(1*)*`, `(\d+,?){5,}$`, `((a|b)+1){20}`} {
		if got, err := atStart(p); err == nil {
			t.Errorf("%s was written as %s", p, got)
		}
	}
}

func TestWholeTextsStandForThemselves(t *testing.T) {
	re, err := bytewise(whole("1.1", "+7", "a|b", "(x"))
	if err != nil {
		t.Fatal(err)
	}
	for s, want := range map[string]bool{"1.1": true, "1x1": false, "+7": true, "a|b": true, "a": false, "(x": true, "11.1": false, "+7\n": false} {
		if got := re.MatchString(latin(s)); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}
