package ami

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
)

// controlled is a PBX that is connected with a fake manager over a pipe, without the goroutines of PBX.
func controlled(t testing.TB) (*PBX, *fakeManager) {
	f := newFakeManager(t)
	p := New(Options{Places: Places{
		Extension: "PJSIP/${number}", External: "PJSIP/${number}@trunk", Context: "ringside-control",
		ExtensionAt: "e${number}", ExternalAt: "o${number}",
	}})
	s := f.session(p.event)
	p.session.Store(s)
	return p, f
}

// requests are all that can be asked of a call, with strings from outside in every field.
func requests(p *PBX, a, b, c string) map[string]func(context.Context) error {
	target := func(n string) ringside.Target { return ringside.Target{Kind: ringside.ToExtension, Number: n} }
	outside := func(n string) ringside.Target { return ringside.Target{Kind: ringside.ToExternal, Number: n} }
	return map[string]func(context.Context) error{
		"originate": func(ctx context.Context) error {
			_, err := p.Originate(ctx, ringside.OriginateRequest{
				From: target(a), To: outside(b), CallerID: c, CallerName: a, Presents: b, Async: true,
				Variables: []ringside.Variable{{Name: c, Value: a}},
			})
			return err
		},
		"originate with a variable": func(ctx context.Context) error {
			_, err := p.Originate(ctx, ringside.OriginateRequest{
				From: target("101"), To: target("102"), CallerName: b, Async: true, Variables: []ringside.Variable{{Name: "A", Value: a}},
			})
			return err
		},
		"hangup": func(ctx context.Context) error { return p.Hangup(ctx, ringside.HangupRequest{Channel: a}) },
		"transfer": func(ctx context.Context) error {
			return p.Transfer(ctx, ringside.TransferRequest{Channel: a, To: target(b)})
		},
		"park": func(ctx context.Context) error {
			_, err := p.Park(ctx, ringside.ParkRequest{Channel: a, Lot: b, Announce: c})
			return err
		},
		"spy": func(ctx context.Context) error {
			_, err := p.Spy(ctx, ringside.SpyRequest{Channel: a, Listener: target(b), Mode: ringside.SpyMode(c)})
			return err
		},
		"bridge": func(ctx context.Context) error { return p.Bridge(ctx, ringside.BridgeRequest{Channel: a, With: b}) },
		"dtmf": func(ctx context.Context) error {
			return p.SendDTMF(ctx, ringside.DTMFRequest{Channel: a, Digits: b})
		},
		"mute": func(ctx context.Context) error {
			return p.Mute(ctx, ringside.MuteRequest{Channel: a, Direction: b})
		},
		"record": func(ctx context.Context) error {
			_, err := p.Record(ctx, ringside.RecordRequest{Channel: a, Name: b, Format: c})
			return err
		},
		"record under a name": func(ctx context.Context) error {
			_, err := p.Record(ctx, ringside.RecordRequest{Channel: "PJSIP/101-1", Name: a})
			return err
		},
		"stop recording": func(ctx context.Context) error {
			return p.StopRecord(ctx, ringside.Recording{Channel: a, ID: b, File: c})
		},
		"variable": func(ctx context.Context) error {
			_, err := p.Variable(ctx, a, b)
			return err
		},
		"set variable": func(ctx context.Context) error {
			return p.SetVariable(ctx, a, ringside.Variable{Name: b, Value: c})
		},
		"set a value": func(ctx context.Context) error {
			return p.SetVariable(ctx, "PJSIP/101-1", ringside.Variable{Name: "A", Value: a})
		},
		"channel": func(ctx context.Context) error {
			_, err := p.Channel(ctx, a)
			return err
		},
		"queue": func(ctx context.Context) error {
			return p.AddQueueMember(ctx, ringside.QueueMemberRequest{Queue: a, Number: b, Name: c, Reason: a, Paused: true})
		},
	}
}

// headersOf are the headers that each action may carry.
func headersOf(action string) []string {
	return map[string][]string{
		"Originate":      {"Context", "Exten", "Priority", "CallerID", "Variable", "Channel", "ChannelId", "Async", "Timeout", "Application", "Data"},
		"Hangup":         {"Channel", "Cause"},
		"Redirect":       {"Channel", "Context", "Exten", "Priority"},
		"ShowDialPlan":   {"Context"},
		"Park":           {"Channel", "Parkinglot", "AnnounceChannel", "Timeout", "TimeoutChannel"},
		"Bridge":         {"Channel1", "Channel2", "Tone"},
		"PlayDTMF":       {"Channel", "Digit", "Duration"},
		"MuteAudio":      {"Channel", "Direction", "State"},
		"MixMonitor":     {"Channel", "File"},
		"StopMixMonitor": {"Channel", "MixMonitorID"},
		"Getvar":         {"Channel", "Variable"},
		"Setvar":         {"Channel", "Variable", "Value"},
		"Status":         {"Channel"},
		"QueueAdd":       {"Queue", "Interface", "Penalty", "Paused", "MemberName", "Reason"},
	}[action]
}

// A5: whatever is in a request, nothing is sent but the action's own headers, one line each, or nothing at
// all, with the field named that is wrong.
func FuzzRequests(f *testing.F) {
	for _, s := range []string{
		"101", "PJSIP/101-0000002a", "x\r\nAction: Command\r\nCommand: core stop now\r\n\r\n", "x\nAction: Ping", "x\rX: y", "x\x00",
		"PJSIP/101&PJSIP/102", "Local/s@default", "${SHELL(id)}", "a,b", "/.*/", "../../etc/passwd", "обед", "A", "1234", "wav", "listen", "in", "\u2028", "\xff",
	} {
		f.Add(s, "101", "x")
		f.Add("PJSIP/101-0000002a", s, "listen")
		f.Add("101", "102", s)
	}
	p, manager := controlled(f)
	var mu sync.Mutex
	var sent []string
	for _, action := range []string{"Originate", "Hangup", "Redirect", "ShowDialPlan", "Bridge", "PlayDTMF", "MuteAudio", "MixMonitor", "StopMixMonitor", "Getvar", "Setvar", "Status", "QueueAdd", "Command", "Park"} {
		manager.on(action, func(m Message) string {
			mu.Lock()
			defer mu.Unlock()
			sent = append(sent, string(m.raw))
			switch action {
			case "Status", "ShowDialPlan":
				return listOf(action+"Complete", "Event: ListDialplan\nExtension: e101")
			case "Park":
				return "Response: Error\nMessage: Not now"
			case "StopMixMonitor":
				if len(sent) > 1 {
					return "Response: Error\nMessage: none left"
				}
			}
			return "Response: Success"
		})
	}
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if len(b) > 4 && strings.Trim(b, "0123456789*#ABCDabcd") == "" {
			t.Skip("it takes time to press as many keys")
		}
		for name, do := range requests(p, a, b, c) {
			mu.Lock()
			sent = nil
			mu.Unlock()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			err := do(ctx)
			cancel()
			var invalid *ringside.InvalidError
			mu.Lock()
			if errors.As(err, &invalid) && (len(sent) > 0 || invalid.Field == "") {
				t.Errorf("%s(%q, %q, %q): %v, but sent %q", name, a, b, c, err, sent)
			}
			for _, raw := range sent {
				action := ParseMessage(raw).Get("Action")
				for header, value := range ParseMessage(raw).Headers() {
					known := append(headersOf(action), "Action", "ActionID")
					if !slices.Contains(known, string(header)) || strings.ContainsAny(string(value), "\r\n\x00") {
						t.Errorf("%s(%q, %q, %q) sends the header %q: %q", name, a, b, c, header, value)
					}
				}
				if n := strings.Count(strings.ToLower("\r\n"+raw), "\r\naction:"); n != 1 || headersOf(action) == nil {
					t.Errorf("%s(%q, %q, %q) sends %d actions:\n%s", name, a, b, c, n, raw)
				}
				m := ParseMessage(raw)
				for _, header := range []string{"Channel", "Channel1", "Channel2", "Interface", "AnnounceChannel"} {
					if v := m.Get(header); strings.ContainsAny(v, "&,${}| ") || strings.HasPrefix(v, "/") || action == "Originate" && header == "Channel" && !strings.HasPrefix(v, "PJSIP/") {
						t.Errorf("%s(%q, %q, %q) names the channel %q", name, a, b, c, v)
					}
				}
			}
			mu.Unlock()
		}
	})
}
