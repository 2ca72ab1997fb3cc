package esl

import (
	"context"
	"path"
	"strings"
	"testing"

	"github.com/ringside-pbx/ringside"
)

// requestsWith are all requests, with strings from outside in every field.
func requestsWith(p *PBX, a, b, c string) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"originate": func(ctx context.Context) error {
			_, err := p.Originate(ctx, ringside.OriginateRequest{
				From: extension(a), To: outside(b), CallerID: c, CallerName: a, Presents: b, Async: true, Variables: []ringside.Variable{{Name: c, Value: a}},
			})
			return err
		},
		"originate with texts": func(ctx context.Context) error {
			_, err := p.Originate(ctx, ringside.OriginateRequest{
				From: extension("101"), To: extension("102"), CallerName: b, Async: true, Variables: []ringside.Variable{{Name: "A", Value: a}, {Name: "B", Value: c}},
			})
			return err
		},
		"hangup": func(ctx context.Context) error { return p.Hangup(ctx, ringside.HangupRequest{Channel: a}) },
		"transfer": func(ctx context.Context) error {
			return p.Transfer(ctx, ringside.TransferRequest{Channel: a, To: extension(b)})
		},
		"transfer to": func(ctx context.Context) error {
			return p.Transfer(ctx, ringside.TransferRequest{Channel: chanA, To: outside(a), Attended: b > c})
		},
		"park": func(ctx context.Context) error {
			_, err := p.Park(ctx, ringside.ParkRequest{Channel: a, Lot: b, Announce: c})
			return err
		},
		"park in": func(ctx context.Context) error {
			_, err := p.Park(ctx, ringside.ParkRequest{Channel: chanA, Lot: a})
			return err
		},
		"spy": func(ctx context.Context) error {
			_, err := p.Spy(ctx, ringside.SpyRequest{Channel: a, Listener: extension(b), Mode: ringside.SpyMode(c)})
			return err
		},
		"spy as": func(ctx context.Context) error {
			_, err := p.Spy(ctx, ringside.SpyRequest{Channel: chanA, Listener: extension(a), Mode: ringside.SpyBarge})
			return err
		},
		"bridge": func(ctx context.Context) error { return p.Bridge(ctx, ringside.BridgeRequest{Channel: a, With: b}) },
		"dtmf": func(ctx context.Context) error {
			return p.SendDTMF(ctx, ringside.DTMFRequest{Channel: chanA, Digits: a})
		},
		"mute": func(ctx context.Context) error { return p.Mute(ctx, ringside.MuteRequest{Channel: a, Direction: b}) },
		"record": func(ctx context.Context) error {
			_, err := p.Record(ctx, ringside.RecordRequest{Channel: chanA, Name: a, Format: b})
			return err
		},
		"stop recording": func(ctx context.Context) error {
			return p.StopRecord(ctx, ringside.Recording{Channel: chanA, ID: a, File: b})
		},
		"variable": func(ctx context.Context) error {
			_, err := p.Variable(ctx, chanA, a)
			return err
		},
		"set variable": func(ctx context.Context) error {
			return p.SetVariable(ctx, a, ringside.Variable{Name: b, Value: c})
		},
		"set a value": func(ctx context.Context) error {
			return p.SetVariable(ctx, chanA, ringside.Variable{Name: "A", Value: a})
		},
		"channel": func(ctx context.Context) error {
			_, err := p.Channel(ctx, a)
			return err
		},
	}
}

// attempts are texts with which somebody may try to send more than one command, or another one.
func attempts() []string {
	return []string{
		"101", chanA, "x\r\n\r\napi system id\r\n\r\n", "x\n\nbgapi shutdown\n\n", "x\nJob-UUID: y", "x\r", "x\x00y", "a;;system id", "^^;a;b", "a|b", "a,b", "a b",
		"'; system id '", "x'}user/999 &park()", "x} &system(id)", "[a=b]", "<a=b>", "{api_on_answer=x}", "${system(id)}", "$${domain}", "all", "last", "-bleg", "-both",
		"101 inline", "../../etc/passwd", "/etc/passwd", ".x", "-x", "&park()", "user/1", "Анна", "\u2028", "\xff", "api_on_answer", "A", "wav", "listen", "in", "1234", `\`, `\'`, `'`,
		"file_string://a!b", "say::x", "x!y", strings.Repeat("9", 200),
	}
}

// sentOnly checks what went over the wire for one request: whole commands of ringside's, one line each and
// the job's id, with arguments that are what they look like.
func sentOnly(t *testing.T, name string, wire []string) {
	t.Helper()
	for _, whole := range wire {
		lines := strings.Split(whole, "|Job-UUID: ")
		if len(lines) != 2 || !IsChannel(lines[1]) {
			t.Errorf("%s: sent %q", name, whole)
			continue
		}
		words := strings.Fields(lines[0])
		if words[0] != "bgapi" || strings.ContainsAny(lines[0], "\r\n\x00") || strings.Contains(lines[0], "$") {
			t.Errorf("%s: sent %q", name, whole)
		}
		args := consoleArgs(strings.TrimPrefix(lines[0], "bgapi "+words[1]+" "))
		most := map[string]int{
			"uuid_kill": 2, "uuid_transfer": 3, "uuid_broadcast": 3, "uuid_bridge": 2, "uuid_send_dtmf": 2, "uuid_audio": 5, "uuid_record": 3, "uuid_getvar": 2,
			"uuid_setvar_multi": 1 << 20, "uuid_exists": 1, "uuid_dump": 1, "originate": 2, "module_exists": 1,
		}[words[1]]
		if len(args) > most {
			t.Errorf("%s: %s has the arguments %q", name, words[1], args)
		}
		if strings.HasPrefix(words[1], "uuid_") && !IsChannel(args[0]) {
			t.Errorf("%s: %s is about %q", name, words[1], args[0])
		}
		if words[1] == "originate" {
			dialPart(t, name, args)
		}
		if words[1] == "uuid_record" && args[2] != "all" && path.Dir(path.Clean(args[2])) != DefaultRecordings {
			t.Errorf("%s: sent %q", name, whole)
		}
	}
}

// dialPart checks originate: variables of ringside's making, one device, one application.
func dialPart(t *testing.T, name string, args []string) {
	t.Helper()
	end := strings.IndexByte(args[0], '}')
	if len(args) != 2 || args[0][0] != '{' || end < 0 {
		t.Errorf("%s: originate %q", name, args)
		return
	}
	inside, device := args[0][1:end], args[0][end+1:]
	seen := map[string]bool{}
	for _, v := range splitAt(inside, ',') {
		key, _, _ := strings.Cut(v, "=")
		if !ringside.VariableName(key) || strings.HasPrefix(strings.ToLower(key), "api_") || seen[key] && strings.HasPrefix(key, "origination") {
			t.Errorf("%s: sets %q", name, v)
		}
		seen[key] = true
	}
	number := strings.TrimPrefix(strings.TrimPrefix(device, "user/"), "sofia/gateway/trunk/")
	if !ringside.Dialable(number) {
		t.Errorf("%s: calls %q", name, device)
	}
	app := strings.TrimSuffix(strings.NewReplacer("&bridge(user/", "", "&bridge(sofia/gateway/trunk/", "", "&eavesdrop(", "").Replace(args[1]), ")")
	if !ringside.Dialable(app) {
		t.Errorf("%s: then %q", name, args[1])
	}
}

// consoleArgs splits as FreeSWITCH does: at blanks outside of quotes, then quotes and escapes are taken off
// (separate_string_blank_delim).
func consoleArgs(s string) (args []string) {
	var b strings.Builder
	quoted, begun := false, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			if !strings.ContainsRune(`'"\`, rune(s[i+1])) {
				b.WriteByte(c)
			}
			i++
			b.WriteByte(s[i])
			begun = true
		case c == '\'':
			quoted, begun = !quoted, true
		case c == ' ' && !quoted:
			if begun {
				args = append(args, b.String())
			}
			b.Reset()
			begun = false
		default:
			b.WriteByte(c)
			begun = true
		}
	}
	if begun {
		args = append(args, b.String())
	}
	return args
}

// splitAt splits at a character that has no backslash before it.
func splitAt(s string, at byte) (parts []string) {
	from := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case at:
			parts = append(parts, s[from:i])
			from = i + 1
		}
	}
	return append(parts, s[from:])
}

func answering(f *fakeSwitch) {
	f.says("uuid_exists", "true")
	f.says("module_exists", "true")
	f.on("uuid_getvar", func(args string) string {
		if strings.HasSuffix(args, "signal_bond") {
			return chanB
		}
		return "6001"
	})
}

// A8: whatever is in a request, what goes over the wire are ringside's own commands, or nothing.
func TestInjection(t *testing.T) {
	f := newFakeSwitch(t)
	p := f.controlled()
	answering(f)
	for _, a := range attempts() {
		for name, do := range requestsWith(p, a, a, a) {
			_ = do(t.Context())
			sentOnly(t, name+" with "+a, f.wire())
		}
	}
}

// FuzzRequests looks for a text that gets out of its place.
func FuzzRequests(f *testing.F) {
	for _, a := range attempts() {
		f.Add(a, a, a)
		f.Add("101", a, chanA)
	}
	f.Fuzz(func(t *testing.T, a, b, c string) {
		fake := newFakeSwitch(t)
		p := fake.controlled()
		answering(fake)
		for name, do := range requestsWith(p, a, b, c) {
			_ = do(t.Context())
			sentOnly(t, name, fake.wire())
		}
	})
}
