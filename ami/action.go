package ami

import (
	"fmt"
	"strings"
)

// Action is a request. Make it with NewAction.
type Action struct {
	name    string
	headers []header
}

type header struct{ name, value string }

// NewAction makes an action of its name and pairs of header names and values; pairs with an empty value
// are left out.
func NewAction(name string, pairs ...string) Action {
	a := Action{name: name}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			a = a.With(pairs[i], pairs[i+1])
		}
	}
	return a
}

// With gives the action with one more header, also if its value is empty. A name may come more than once.
func (a Action) With(name, value string) Action {
	a.headers = append(a.headers[:len(a.headers):len(a.headers)], header{name, value})
	return a
}

// Name is the action's name.
func (a Action) Name() string { return a.name }

// maxLine is the longest line that Asterisk takes, its end included: a longer one makes it refuse the action.
const maxLine = 1000

// encode is the one place where an action becomes bytes. It refuses what would be more than one line, and
// a line that Asterisk would not take (A5).
func (a Action) encode(id string) ([]byte, error) {
	var b strings.Builder
	for _, h := range append([]header{{"Action", a.name}, {"ActionID", id}}, a.headers...) {
		if !headerName(h.name) {
			return nil, fmt.Errorf("%s: %q is no header's name", a.name, h.name)
		}
		if strings.ContainsAny(h.value, "\r\n\x00") {
			return nil, fmt.Errorf("%s: the value of %s holds a line break or NUL", a.name, h.name)
		}
		if len(h.name)+len(h.value)+4 > maxLine {
			return nil, fmt.Errorf("%s: the value of %s is longer than Asterisk takes", a.name, h.name)
		}
		b.WriteString(h.name)
		b.WriteString(": ")
		b.WriteString(h.value)
		b.WriteString("\r\n")
	}
	b.WriteString("\r\n")
	return []byte(b.String()), nil
}

func headerName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}
