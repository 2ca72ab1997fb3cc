package agi

import (
	"strings"
	"testing"

	"github.com/ringside-pbx/ringside"
)

// What Asterisk makes of a line, written from the behaviour of its functions: parse_args in
// res/res_agi.c splits a command, __ast_app_separate_args in main/app.c an application's argument,
// MSet in main/pbx_variables.c each assignment.

// parseArgs splits a command into words: blanks part them outside of quotes, a backslash makes the
// next character an ordinary one.
func parseArgs(line string) []string {
	var words []string
	var word []byte
	inWord, quoted, escaped := false, false, false
	for i := range len(line) {
		c := line[i]
		switch {
		case c == '"' && !escaped:
			if quoted = !quoted; quoted && !inWord {
				inWord = true
			}
			continue
		case (c == ' ' || c == '\t') && !quoted && !escaped:
			if inWord {
				words = append(words, string(word))
				word = word[:0]
			}
			inWord = false
			continue
		case c == '\\' && !escaped:
			escaped = true
			continue
		}
		inWord, escaped = true, false
		word = append(word, c)
	}
	if inWord {
		words = append(words, string(word))
	}
	return words
}

// separateArgs splits an argument at the delimiter, at most into limit parts. Delimiters within
// brackets or quotes part nothing; quotes and backslashes are taken away. Brackets that were opened
// in one part stay open in the next.
func separateArgs(arg string, delimiter byte, limit int) []string {
	var parts []string
	round, square, quoted := 0, 0, false
	for arg != "" && len(parts) < limit-1 {
		var part []byte
		i, parted := 0, false
		for ; i < len(arg); i++ {
			c := arg[i]
			switch {
			case c == '(':
				round++
			case c == ')':
				round = max(0, round-1)
			case c == '[':
				square++
			case c == ']':
				square = max(0, square-1)
			case c == '"':
				quoted = !quoted
				continue
			case c == '\\':
				if i++; i < len(arg) {
					part = append(part, arg[i])
				}
				continue
			case c == delimiter && round == 0 && square == 0 && !quoted:
				parted = true
			}
			if parted {
				break
			}
			part = append(part, c)
		}
		parts = append(parts, string(part))
		if !parted {
			return parts
		}
		if arg = arg[i+1:]; arg == "" {
			return append(parts, "")
		}
	}
	if arg != "" {
		parts = append(parts, arg)
	}
	return parts
}

// mset is what an MSet with this argument sets.
func mset(arg string) (vars []ringside.Variable) {
	for _, pair := range separateArgs(arg, ',', 99) {
		if p := separateArgs(pair, '=', 2); len(p) == 2 {
			vars = append(vars, ringside.Variable{Name: p[0], Value: p[1]})
		}
	}
	return vars
}

// understood is what Asterisk understands of one command as it stands on the wire.
func understood(t *testing.T, wire string) []ringside.Variable {
	t.Helper()
	if len(wire) > maxCommand || strings.IndexByte(wire, '\n') != len(wire)-1 || strings.ContainsAny(wire, "\r\x00") {
		t.Fatalf("%d bytes with %d line feeds are no command: %q", len(wire), strings.Count(wire, "\n"), wire)
	}
	words := parseArgs(strings.TrimSuffix(wire, "\n"))
	if len(words) != 3 || words[0] != "EXEC" || words[1] != "MSet" {
		t.Fatalf("Asterisk understands %q", words)
	}
	return mset(words[2])
}

func TestOraclesAgreeWithWhatAsteriskWasSeenToDo(t *testing.T) {
	for line, want := range map[string]string{
		`SET VARIABLE X "a b \"q\" (c) \\ d"`: `SET|VARIABLE|X|a b "q" (c) \ d`,
		`SET VARIABLE ML "l1\nl2"`:            `SET|VARIABLE|ML|l1nl2`,
		`SET VARIABLE E ""`:                   `SET|VARIABLE|E|`,
		`STREAM FILE beep ""`:                 `STREAM|FILE|beep|`,
		`EXEC Set "Y=1,2"`:                    `EXEC|Set|Y=1,2`,
		`VERBOSE  "said by AGI"	1 `:           `VERBOSE|said by AGI|1`,
	} {
		if got := strings.Join(parseArgs(line), "|"); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
	for arg, want := range map[string]string{
		`A=PJSIP/101,B=25,C="hello world"`: `A=PJSIP/101 B=25 C=hello world`,
		`CALLERID(name)="O, P",B=1`:        `CALLERID(name)=O, P B=1`,
		`A=(1,B=2),C=3`:                    `A=(1,B=2) C=3`,
		`A=x\,y,B=`:                        `A=x,y B=`,
		`A=1=2,B`:                          `A=1=2`,
	} {
		var got []string
		for _, v := range mset(arg) {
			got = append(got, v.Name+"="+v.Value)
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: %q, want %q", arg, s, want)
		}
	}
}
