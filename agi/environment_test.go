package agi

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ringside-pbx/ringside/internal/dialplan"
)

func read(s string) (*environment, error) {
	return readEnvironment(bufio.NewReaderSize(strings.NewReader(s), readBuffer))
}

// sample splits a recorded conversation into what Asterisk sent and what it was sent.
func sample(t *testing.T, file string) (environment string, replies, commands []string) {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	in := true
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		said, ours := strings.CutPrefix(line, "> ")
		if ours {
			in = false
			commands = append(commands, said)
			continue
		}
		line = strings.TrimPrefix(strings.TrimPrefix(line, "<"), " ")
		if in {
			environment += line + "\n"
		} else {
			replies = append(replies, line)
		}
	}
	return environment, replies, commands
}

func TestWhatRealAsterisksSaid(t *testing.T) {
	for _, file := range []string{"asterisk-16.txt", "asterisk-22.txt"} {
		text, replies, commands := sample(t, file)
		env, err := read(text)
		if err != nil {
			t.Fatal(err)
		}
		if env.script != "dump" || env.query.Get("y") != "a b" || env.caller() != "44201" || env.name() != "caller" ||
			env.called() != "dump" || env.context != "from-trunk" || dialplan.Endpoint(env.channel) != "trunk" || !strings.HasSuffix(env.id(), env.uniqueID) {
			t.Errorf("%s: %+v", file, env)
		}
		w := newWire()
		w.begin(&recorder{input: []byte(strings.Join(replies, "\n") + "\n")})
		gone := 0
		w.onHangup = func() { gone++ }
		for i, command := range commands {
			if _, err := w.reply(); err != nil {
				t.Fatalf("%s: the reply to %d, %s: %v", file, i, command, err)
			}
			refused := slices.Contains([]string{"NOSUCHCOMMAND", "GET VARIABLE", "HANGUP"}, command)
			if w.refused != refused {
				t.Errorf("%s: %s was refused: %v", file, command, w.refused)
			}
			w.refused = false
		}
		if gone != 1 {
			t.Errorf("%s: %d hang-ups", file, gone)
		}
	}
}

func TestEnvironmentLimits(t *testing.T) {
	head := "agi_network_script: route\nagi_threadid: 1\n"
	lines := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "agi_arg_%d: x\n", i)
		}
		return b.String()
	}
	for name, text := range map[string]string{
		"nothing":                     "",
		"only the end":                "\n",
		"no script":                   "agi_channel: PJSIP/1-1\n\n",
		"ends within a line":          head + "agi_chan",
		"ends before the blank line":  head + "agi_channel: PJSIP/1-1\n",
		"no colon":                    head + "nonsense\n\n",
		"too many lines":              head + lines(maxEnvLines) + "\n",
		"too many bytes":              head + "agi_x: " + strings.Repeat("x", maxEnvBytes) + "\n\n",
		"too many bytes without end":  strings.Repeat("x", 1<<20),
		"HTTP":                        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"a script smuggled in a name": head + "agi_calleridname: x\nagi_network_script: hangup\n\n",
		"a caller smuggled in a name": head + "agi_callerid: 1\nagi_calleridname: x\nagi_callerid: 2\n\n",
		"an extension behind another": head + "agi_calleridname: x\nagi_extension: 9\nagi_extension: 1\n\n",
		"a blank line in a number":    "agi_network_script: route\nagi_callerid: 1\n\nagi_extension: 900\nagi_threadid: 1\n\n",
		"a last line too many":        head + "agi_threadid: 2\n\n",
	} {
		if env, err := read(text); !errors.Is(err, errEnvironment) {
			t.Errorf("%s: %+v, %v", name, env, err)
		}
	}
	for name, text := range map[string]string{
		"many lines":      head + lines(maxEnvLines-3) + "\n",
		"a long line":     head + "agi_x: " + strings.Repeat("x", maxEnvBytes-100) + "\n\n",
		"any order":       "agi_extension: 5\nagi_channel: PJSIP/1-1\n" + head + "\n",
		"CR LF":           "agi_network_script: route\r\nagi_threadid: 1\r\n\r\n",
		"an empty value":  head + "agi_accountcode: \nagi_callerid:\n\n",
		"bytes, no UTF-8": head + "agi_calleridname: \xff\xfe\x00\n\n",
	} {
		if env, err := read(text); err != nil || env.script != "route" {
			t.Errorf("%s: %+v, %v", name, env, err)
		}
	}
}

func TestLongValuesAreCutAtACharacter(t *testing.T) {
	env, err := read("agi_network_script: route\nagi_calleridname: " + strings.Repeat("я", 5000) + "\nagi_callerid: 7\nagi_threadid: 1\n\n")
	if err != nil {
		t.Fatal(err)
	}
	if env.callerName != strings.Repeat("я", maxEnvValue/2) || env.callerID != "7" {
		t.Errorf("a name of %d bytes, the number %q", len(env.callerName), env.callerID)
	}
}

func TestWhoCalledWhat(t *testing.T) {
	env := func(lines ...string) *environment {
		e, err := read("agi_network_script: route?id=L.1\n" + strings.Join(lines, "\n") + "\nagi_threadid: 1\n\n")
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	type who struct{ Caller, Name, Called, ID string }
	of := func(e *environment) who { return who{e.caller(), e.name(), e.called(), e.id()} }
	for want, e := range map[who]*environment{
		{"", "", "500", "L.1"}:        env("agi_callerid: unknown", "agi_calleridname: unknown", "agi_extension: 500", "agi_dnid: 1"),
		{"7", "A: B", "900", "L.1"}:   env("agi_callerid: 7", "agi_calleridname: A: B", "agi_extension: s", "agi_dnid: 900"),
		{"8", "", "", "L.1"}:          env("agi_callerid: 8", "agi_extension: s", "agi_dnid: unknown"),
		{"9", "", "unknown", "L.1"}:   env("agi_callerid: 9", "agi_extension: unknown"),
		{"10", "", "dialed", "L.1"}:   env("agi_callerid: 10", "agi_extension: dialed", "agi_uniqueid: 5"),
		{"11", "", "h@x&y", "L.1"}:    env("agi_callerid: 11", "agi_extension: h@x&y"),
		{" 12", "", "fallb", "L.1"}:   env("agi_callerid:  12", "agi_extension: h", "agi_dnid: fallb"),
		{"13", "unk", "+7900", "L.1"}: env("agi_callerid:13", "agi_calleridname:unk", "agi_extension:+7900"),
	} {
		if diff := cmp.Diff(want, of(e)); diff != "" {
			t.Error(diff)
		}
	}
	// What the dialplan says of the called number can't be written into by a caller.
	e, err := read("agi_network_script: route?to=%2B7900&id=1\nagi_extension: 666\nagi_threadid: 1\n\n")
	if err != nil || e.called() != "+7900" {
		t.Errorf("%+v, %v", e, err)
	}
	for query, id := range map[string]string{"id=a.1": "a.1", "id=": "U", "id=a%20b": "U", "id=" + strings.Repeat("1", 101): "U", "id=%0a": "U", "": "U", "id=%zz": "U"} {
		e, err := read("agi_network_script: route?" + query + "\nagi_uniqueid: U\nagi_threadid: 1\n\n")
		if err != nil || e.id() != id {
			t.Errorf("%s: %q, %v", query, e.id(), err)
		}
	}
}

func FuzzReadEnvironment(f *testing.F) {
	for _, s := range []string{
		environment22("route?id=1"), environment22("decide?tracked=1&hold=0"), "\n", "", "agi_network_script: /usr/bin/id\n\n",
		"agi_network_script: ../route?%zz&=\n\n", "agi_network_script: route\nagi_calleridname: a\nagi_extension: 1\nagi_extension: 2\n\n",
		"agi_network_script: route\r\nagi_threadid: 1\r\n\r\n", strings.Repeat("a: b\n", 300), strings.Repeat("x", 70000),
		"agi_network_script: route\nagi_calleridname: " + strings.Repeat("я", 3000) + "\n\nrest",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		env, err := read(s)
		if (env == nil) == (err == nil) {
			t.Fatalf("%v, %v", env, err)
		}
		if err != nil {
			return
		}
		for _, v := range []string{env.script, env.channel, env.uniqueID, env.callerID, env.callerName, env.extension, env.dnid, env.context} {
			if len(v) > maxEnvValue || strings.Contains(v, "\n") {
				t.Errorf("a value of %d bytes: %.40q", len(v), v)
			}
		}
		_, _, _, _, _ = env.caller(), env.name(), env.called(), env.id(), offer(env)
	})
}
