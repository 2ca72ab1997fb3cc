package esl

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// cleaned takes quotes and escapes off a part, as FreeSWITCH does (cleanup_separated_string).
func cleaned(s string, delim byte) string {
	s = strings.TrimLeft(s, " ")
	var b strings.Builder
	end, within := 0, false
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '\\' && i+1 < len(s) && (strings.ContainsRune(`'"\`, rune(s[i+1])) || delim != 0 && s[i+1] == delim) {
			i++
			b.WriteByte(s[i])
			end = b.Len()
			continue
		}
		if c == '\'' && (within || strings.ContainsRune(s[i+1:], '\'')) {
			if within = !within; within {
				end = b.Len()
			}
			continue
		}
		b.WriteByte(c)
		if c != ' ' || within {
			end = b.Len()
		}
	}
	return b.String()[:end]
}

// splitIn splits as FreeSWITCH does, at most into so many parts (separate_string_char_delim).
func splitIn(s string, delim byte, most int) (parts []string) {
	from, within := 0, false
	for i := 0; i < len(s) && len(parts) < most-1; i++ {
		switch {
		case s[i] == '\\':
			i++
		case s[i] == '\'' && (within || strings.ContainsRune(s[i+1:], '\'')):
			within = !within
		case s[i] == delim && !within:
			parts = append(parts, s[from:i])
			from = i + 1
		}
	}
	parts = append(parts, s[from:])
	for i := range parts {
		parts[i] = cleaned(parts[i], delim)
	}
	return parts
}

// variablesOf are what originate makes of the variables before a dial string: they are read twice.
func variablesOf(braced string) map[string]string {
	inside := strings.TrimSuffix(strings.TrimPrefix(cleaned(braced, 0), "{"), "}")
	vars := map[string]string{}
	for _, part := range splitIn(inside, ',', 1024) {
		if pair := splitIn(part, '=', 2); len(pair) == 2 {
			vars[pair[0]] = pair[1]
		}
	}
	return vars
}

// The reading above is FreeSWITCH's: it gives what was recorded from it.
func TestRecordedQuoting(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "recorded", "x_originate_quoting.txt"))
	if err != nil {
		t.Fatal(err)
	}
	form := regexp.MustCompile(`(?m)^(.*\S) +-> a=\[(.*)\] b=\[(.*)\]$`)
	lines := form.FindAllStringSubmatch(string(text), -1)
	if len(lines) != 4 {
		t.Fatalf("%d lines", len(lines))
	}
	for _, l := range lines {
		if got := variablesOf("{" + l[1] + "}"); got["a"] != l[2] || got["b"] != l[3] {
			t.Errorf("%s gives %q, and FreeSWITCH made a=%q b=%q of it", l[1], got, l[2], l[3])
		}
	}
}

// FuzzSettings: whatever the values are, FreeSWITCH reads exactly the variables that were written, with the
// cleaned values but for the characters that none of its readings keeps.
func FuzzSettings(f *testing.F) {
	for _, s := range []string{"", "Анна", "a,b", "a', b='x", `a\`, `a\,b`, "a=b=c", "^^;a", "}{", "[x]", "a b ", " a", "''", `\'`, "%(1000,4000,425)", "a;b", "\"x\""} {
		f.Add(s, "x")
		f.Add("y", s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		vars := []ringside.Variable{{Name: "A", Value: a}, {Name: "B", Value: b}, {Name: "C", Value: "c"}}
		got := variablesOf(settings(vars))
		for _, v := range vars {
			want := strings.Map(func(r rune) rune {
				switch {
				case r == '\'':
					return '’'
				case strings.ContainsRune("{}[]<>^", r):
					return ' '
				}
				return r
			}, dialplan.Clean(v))
			if strings.TrimSpace(got[v.Name]) != strings.TrimSpace(want) {
				t.Errorf("%s is %q, want %q of %q", v.Name, got[v.Name], want, settings(vars))
			}
		}
		if len(got) > len(vars) {
			t.Errorf("%q", got)
		}
	})
}
