package dialplan_test

import (
	"strings"
	"testing"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/channeltest"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// set is what Asterisk's function ARRAY sets when it is called so.
func set(t *testing.T, v ringside.Variable) (vars []ringside.Variable) {
	t.Helper()
	names, ok := strings.CutPrefix(v.Name, "ARRAY(")
	if !ok || !strings.HasSuffix(names, ")") {
		t.Fatalf("%q is no call of ARRAY", v.Name)
	}
	values := channeltest.Args(v.Value, ',', 100)
	for i, name := range channeltest.Args(strings.TrimSuffix(names, ")"), ',', 100) {
		one := ringside.Variable{Name: name}
		if i < len(values) {
			one.Value = values[i]
		}
		vars = append(vars, one)
	}
	if len(values) > len(vars) {
		t.Errorf("%d values for %d names: %q", len(values), len(vars), v.Value)
	}
	return vars
}

func TestArray(t *testing.T) {
	for name, c := range map[string]struct {
		vars []ringside.Variable
		want ringside.Variable
	}{
		"plain words": {
			[]ringside.Variable{{Name: "A", Value: "route"}, {Name: "B", Value: "101"}}, ringside.Variable{Name: "ARRAY(A,B)", Value: "route,101"},
		},
		"a dial string": {
			[]ringside.Variable{{Name: "RINGSIDE_DIAL", Value: "PJSIP/101&PJSIP/102@trunk"}, {Name: "RINGSIDE_RESULT", Value: "default"}},
			ringside.Variable{Name: "ARRAY(RINGSIDE_DIAL,RINGSIDE_RESULT)", Value: "PJSIP/101&PJSIP/102@trunk,default"},
		},
		"a comma": {
			[]ringside.Variable{{Name: "A", Value: "Sales, Service"}, {Name: "B", Value: "x"}}, ringside.Variable{Name: "ARRAY(A,B)", Value: `"Sales, Service",x`},
		},
		"functions": {
			[]ringside.Variable{{Name: "CALLERID(name)", Value: "Анна"}, {Name: "TIMEOUT(absolute)", Value: "60"}},
			ringside.Variable{Name: "ARRAY(CALLERID(name),TIMEOUT(absolute))", Value: `"Анна",60`},
		},
		"an empty value": {
			[]ringside.Variable{{Name: "A"}, {Name: "B", Value: "x"}, {Name: "C"}}, ringside.Variable{Name: "ARRAY(A,B,C)", Value: ",x,"},
		},
		"an expression": {
			[]ringside.Variable{{Name: "A", Value: "${SHELL(id)}"}, {Name: "B", Value: "$[1+1]"}},
			ringside.Variable{Name: "ARRAY(A,B)", Value: "{SHELL(id)},[1+1]"},
		},
		"an open bracket": {
			[]ringside.Variable{{Name: "A", Value: "a(b[c"}, {Name: "B", Value: "x"}}, ringside.Variable{Name: "ARRAY(A,B)", Value: `"a b c",x`},
		},
		"a quote and a backslash": {
			[]ringside.Variable{{Name: "A", Value: `O"Neil \`}, {Name: "B", Value: "x"}}, ringside.Variable{Name: "ARRAY(A,B)", Value: `"O'Neil /",x`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := dialplan.Array(c.vars); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
			for i, v := range set(t, c.want) {
				if want := dialplan.Clean(c.vars[i]); v.Name != c.vars[i].Name || v.Value != want {
					t.Errorf("Asterisk sets %s=%q, want %s=%q", v.Name, v.Value, c.vars[i].Name, want)
				}
			}
		})
	}
}

// Split as Asterisk splits it, an array gives exactly the cleaned values: none swallows, ends or adds another.
func FuzzArray(f *testing.F) {
	for _, s := range []string{
		"", "Anna", "Анна", "a,b", `a"b`, `a\`, `a\,b`, "a(b", "a)b", "a[b", "a]b", "(a),[b]", "${A}", "$[1]", "a\r\nb", "\x00", "\xff", "a'b", " a ",
		"a;b|c^d&e", `","RINGSIDE_RESULT=done`, strings.Repeat("я", 200), strings.Repeat("(", 300), "]][[", ")(",
	} {
		f.Add(s, "x", s)
		f.Add("x", s, "y")
	}
	f.Fuzz(func(t *testing.T, a, b, c string) {
		vars := []ringside.Variable{
			{Name: dialplan.VarCallerName, Value: a},
			{Name: dialplan.VarGroup, Value: b},
			{Name: dialplan.VarDialString, Value: c},
			{Name: "TIMEOUT(absolute)", Value: "60"},
			{Name: dialplan.VarResult, Value: "done"},
		}
		got := set(t, dialplan.Array(vars))
		if len(got) != len(vars) {
			t.Fatalf("%d variables became %+v", len(vars), got)
		}
		for i, v := range got {
			if want := dialplan.Clean(vars[i]); v.Name != vars[i].Name || v.Value != want {
				t.Errorf("%s=%q became %s=%q", vars[i].Name, want, v.Name, v.Value)
			}
			if strings.ContainsAny(v.Value, "$\r\n\x00\"\\") {
				t.Errorf("%q is not harmless", v.Value)
			}
		}
	})
}
