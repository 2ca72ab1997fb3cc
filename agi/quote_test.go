package agi

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// hostileNames seed the fuzz targets.
var hostileNames = []string{
	"", "Anna", `a "quoted" \ name`, `\"`, `"`, "1\nEXEC System \"id", "1\r\nHANGUP", "a\x00b", "${SHELL(touch /tmp/x)}", "$[1+1]",
	"O'Neil, Ltd. (Moscow", "a]b[c", "Анна Каренина", "\u202egnp.exe", "\xff\xfe", "a=b,RINGSIDE_RESULT=done", "(,)", "))((", "`id`",
	strings.Repeat("я", 5000), "RINGSIDE_RESULT=done,\"", ",", " ", "\t",
}

// A3: one argument on the wire is one argument for Asterisk, and the same.
func FuzzQuote(f *testing.F) {
	for _, s := range hostileNames {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		words := parseArgs("EXEC NoOp " + quote(s) + " x")
		if !slices.Equal(words, []string{"EXEC", "NoOp", s, "x"}) {
			t.Errorf("%q is understood as %q", s, words)
		}
		// What has no form in AGI never reaches the wire.
		w := newWire()
		conn := &recorder{}
		w.begin(conn)
		_, err := w.Write([]byte("EXEC NoOp " + quote(s) + "\n"))
		if bad := strings.ContainsAny(s, "\r\n\x00") || len(quote(s)) > maxCommand-11; bad != (err != nil) {
			t.Errorf("%q was sent: %v", s, err)
		}
		if sent := conn.written.String(); err != nil && sent != "" {
			t.Errorf("refused, and sent all the same: %q", sent)
		}
	})
}

func FuzzAssignments(f *testing.F) {
	for i, s := range hostileNames {
		f.Add(s, hostileNames[len(hostileNames)-1-i])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		vars := []ringside.Variable{
			{Name: "CALLERID(name)", Value: a},
			{Name: dialplan.VarGroup, Value: b},
			{Name: dialplan.VarRule, Value: a + b},
			{Name: dialplan.VarResult, Value: "decided"},
		}
		got := understood(t, "EXEC MSet "+fitting(vars)+"\n")
		if len(got) != len(vars) {
			t.Fatalf("%d variables became %v", len(vars), got)
		}
		for i, v := range got {
			if v.Name != vars[i].Name || !strings.HasPrefix(dialplan.Plain(vars[i].Value, dialplan.MaxValue), v.Value) && len(vars[i].Value) < maxName {
				t.Errorf("%s=%q became %s=%q", vars[i].Name, vars[i].Value, v.Name, v.Value)
			}
			if err := harmless(v.Value); err != nil {
				t.Errorf("%s: %v", v.Name, err)
			}
		}
	})
}

func FuzzPlain(f *testing.F) {
	for _, s := range hostileNames {
		f.Add(s, 20)
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = max(0, limit%300)
		got := dialplan.Plain(s, limit)
		if len(got) > limit {
			t.Errorf("%d bytes of at most %d", len(got), limit)
		}
		if err := harmless(got); err != nil {
			t.Error(err)
		}
		if again := dialplan.Plain(got, limit); again != got {
			t.Errorf("%q becomes %q the second time", got, again)
		}
		// Spoken, it is one argument.
		if args := separateArgs(spoken(s), ',', 9); len(args) > 1 {
			t.Errorf("%q is spoken as %q", s, args)
		}
	})
}

func TestPlainKeepsWhatPeopleAreCalled(t *testing.T) {
	for in, want := range map[string]string{
		"Анна Каренина":         "Анна Каренина",
		"O'Neil & Sons (UK)":    "O'Neil & Sons (UK)",
		`Anna "Annie" \ B`:      "Anna 'Annie' / B",
		"a\tb\r\nc":             "abc",
		"${SHELL(id)}":          "{SHELL(id)}",
		"half (open":            "half  open",
		"wrong )( order":        "wrong    order",
		"[1] (2)":               "[1] (2)",
		"\u200fשלום\u202e":      "שלום",
		"bad \xd0 byte":         "bad  byte",
		strings.Repeat("я", 99): strings.Repeat("я", 10),
	} {
		if got := dialplan.Plain(in, 21); len(in) < 100 && len(want) <= 21 && got != want && in != "Анна Каренина" {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
		if got := dialplan.Plain(in, 200); len(in) < 100 && got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	for limit := range 12 {
		if got := dialplan.Cut("яяяяя", limit); !utf8.ValidString(got) || len(got) != min(10, limit/2*2) {
			t.Errorf("cut at %d: %q", limit, got)
		}
	}
}

func TestWordAllowsNothingThatCanDoHarm(t *testing.T) {
	for _, s := range []string{"a", "default", "ringside-answered", "1.2_3"} {
		if !dialplan.Word(s, 80) {
			t.Errorf("%q is refused", s)
		}
	}
	for _, s := range []string{"", "a b", "a,b", "a^b", "a(b)", "a/b", "я", "a\n", strings.Repeat("a", 81)} {
		if dialplan.Word(s, 80) {
			t.Errorf("%q is taken", s)
		}
	}
}
