package ari

import (
	"fmt"

	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// callerHeader is what a called phone shows, as a header writes it.
func callerHeader(name, number string) string {
	return fmt.Sprintf("\"%s\" <%s>", header(name), number)
}

// header keeps what may stand between the quotes of a header.
func header(name string) string {
	b := []byte(dialplan.Plain(name, maxName))
	for i, c := range b {
		if c == '"' || c == '<' || c == '>' || c == '\\' || c == ',' {
			b[i] = ' '
		}
	}
	return string(b)
}
