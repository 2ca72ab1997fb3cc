package ringside

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestChannelNames(t *testing.T) {
	for name, want := range map[string]bool{
		"PJSIP/101-0000002a": true, "Local/e101@ringside-control-00000001;2": true, "SIP/10.0.0.1-00000001": true, "1795402263.5": true,
		"": false, " ": false, "PJSIP/101 -1": false, "PJSIP/101&PJSIP/102": false, "PJSIP/101,q": false, "${SHELL(id)}": false,
		"/.*/": false, "/PJSIP/": false, "../x": false, "PJSIP/101\r\nX: y": false, "PJSIP/ä": false, "PJSIP/\x7f": false, "a|b": false,
		strings.Repeat("x", 128): true, strings.Repeat("x", 129): false,
	} {
		if ChannelName(name) != want {
			t.Errorf("%q: %t", name, !want)
		}
	}
}

func TestVariableNames(t *testing.T) {
	for name, want := range map[string]bool{
		"A": true, "_A": true, "__RINGSIDE_HELD": true, "a1": true,
		"": false, "1a": false, "CHANNEL(language)": false, "A=B": false, "A,B": false, "${A}": false, "A\n": false, "Ä": false,
	} {
		if VariableName(name) != want {
			t.Errorf("%q: %t", name, !want)
		}
	}
}

// What can't be meant is told with the name of the field.
func TestRequestsThatCanNotBeMeant(t *testing.T) {
	const ch = "PJSIP/101-1"
	in, out := Target{Kind: ToExtension, Number: "101"}, Target{Kind: ToExternal, Number: "+79001234567"}
	good := OriginateRequest{From: in, To: out}
	with := func(edit func(*OriginateRequest)) OriginateRequest {
		r := good
		edit(&r)
		return r
	}
	for _, tc := range []struct {
		name  string
		r     interface{ Validate() error }
		field string // empty: it can be meant
	}{
		{"a call", good, ""},
		{"from nobody", with(func(r *OriginateRequest) { r.From = Target{} }), "from"},
		{"from a channel of Asterisk's own", with(func(r *OriginateRequest) { r.From.Number = "Local/s@x" }), "from"},
		{"to a kind that there is not", with(func(r *OriginateRequest) { r.To.Kind = "queue" }), "to"},
		{"to two at once", with(func(r *OriginateRequest) { r.To.Number = "101&102" }), "to"},
		{"for ever", with(func(r *OriginateRequest) { r.Ring = time.Hour }), "ring"},
		{"for less than no time", with(func(r *OriginateRequest) { r.Ring = -1 }), "ring"},
		{"with a caller id of two lines", with(func(r *OriginateRequest) { r.CallerID = "1\r\nX: y" }), "caller_id"},
		{"with a presented number of two lines", with(func(r *OriginateRequest) { r.Presents = "1\nX" }), "presents"},
		{"with a name that ends its quotes", with(func(r *OriginateRequest) { r.CallerName = `A" <1>` }), "caller_name"},
		{"with a name of two lines", with(func(r *OriginateRequest) { r.CallerName = "A\nB" }), "caller_name"},
		{"with a long name", with(func(r *OriginateRequest) { r.CallerName = strings.Repeat("x", 81) }), "caller_name"},
		{"with a function for a variable", with(func(r *OriginateRequest) { r.Variables = []Variable{{Name: "SHELL(id)"}} }), "variables"},
		{"with a value of two lines", with(func(r *OriginateRequest) { r.Variables = []Variable{{Name: "A", Value: "1\n2"}} }), "variables"},
		{"with too many variables", with(func(r *OriginateRequest) { r.Variables = make([]Variable, 33) }), "variables"},
		{"a hangup", HangupRequest{Channel: ch, Cause: 17}, ""},
		{"of all channels", HangupRequest{Channel: "/.*/"}, "channel"},
		{"with a cause that there is not", HangupRequest{Channel: ch, Cause: 128}, "cause"},
		{"a transfer", TransferRequest{Channel: ch, To: in}, ""},
		{"of nobody", TransferRequest{To: in}, "channel"},
		{"to nobody", TransferRequest{Channel: ch}, "to"},
		{"parking", ParkRequest{Channel: ch, Lot: "default", Timeout: time.Minute, Announce: ch}, ""},
		{"parking for ever", ParkRequest{Channel: ch, Timeout: 25 * time.Hour}, "timeout"},
		{"parking in two lots", ParkRequest{Channel: ch, Lot: "a,b"}, "lot"},
		{"parking, told to two", ParkRequest{Channel: ch, Announce: "a&b"}, "announce"},
		{"listening in", SpyRequest{Channel: ch, Listener: in, Mode: SpyBarge}, ""},
		{"listening in somehow", SpyRequest{Channel: ch, Listener: in}, "mode"},
		{"listening in with options", SpyRequest{Channel: ch + ",w", Listener: in, Mode: SpyListen}, "channel"},
		{"listening in by nobody", SpyRequest{Channel: ch, Mode: SpyListen}, "listener"},
		{"a bridge", BridgeRequest{Channel: ch, With: "PJSIP/102-2"}, ""},
		{"a bridge with itself", BridgeRequest{Channel: ch, With: ch}, "with"},
		{"a bridge with nobody", BridgeRequest{Channel: ch}, "with"},
		{"keys", DTMFRequest{Channel: ch, Digits: "0123456789*#ABCDabcd"}, ""},
		{"no keys", DTMFRequest{Channel: ch}, "digits"},
		{"a key that there is not", DTMFRequest{Channel: ch, Digits: "1E"}, "digits"},
		{"many keys", DTMFRequest{Channel: ch, Digits: strings.Repeat("1", 33)}, "digits"},
		{"a long key", DTMFRequest{Channel: ch, Digits: "1", Length: time.Minute}, "length"},
		{"silence", MuteRequest{Channel: ch, Direction: "all"}, ""},
		{"silence upwards", MuteRequest{Channel: ch, Direction: "up"}, "direction"},
		{"a recording", RecordRequest{Channel: ch, Name: "a-1_2.x", Format: "gsm"}, ""},
		{"a recording in another folder", RecordRequest{Channel: ch, Name: "../x"}, "name"},
		{"a hidden recording", RecordRequest{Channel: ch, Name: ".x"}, "name"},
		{"a recording with options", RecordRequest{Channel: ch, Name: "x,b"}, "name"},
		{"a recording of another form", RecordRequest{Channel: ch, Format: "sh"}, "format"},
		{"a member", QueueMemberRequest{Queue: "sales", Number: "101"}, ""},
		{"a member of a queue of two lines", QueueMemberRequest{Queue: "a\nb", Number: "101"}, "queue"},
		{"no member", QueueMemberRequest{Queue: "sales"}, "number"},
		{"a member before all", QueueMemberRequest{Number: "101", Penalty: -1}, "penalty"},
		{"a member with a name of two lines", QueueMemberRequest{Number: "101", Name: "a\nb"}, "name"},
		{"a reason of two lines", QueueMemberRequest{Number: "101", Reason: "a\rb"}, "reason"},
		{"a variable", Variable{Name: "A", Value: "обед"}, ""},
		{"a variable that is not UTF-8", Variable{Name: "A", Value: "\xff"}, "variable"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := tc.r.Validate()
			var invalid *InvalidError
			if tc.field == "" && err != nil || tc.field != "" && (!errors.As(err, &invalid) || invalid.Field != tc.field) {
				t.Errorf("%v, want field %q", err, tc.field)
			}
		})
	}
}

func TestConditionsAreInOrder(t *testing.T) {
	order := []Condition{ConditionUnknown, ConditionHealthy, ConditionBusy, ConditionDegraded, ConditionUnhealthy, ConditionCritical}
	for i, c := range order {
		if c.Severity() != i {
			t.Errorf("%s is %d", c, c.Severity())
		}
	}
	if Condition("odd").Severity() != 0 {
		t.Error("what is none counts")
	}
}

func TestAQueueInFigures(t *testing.T) {
	now := time.Now()
	q := PBXQueue{Name: "sales", Members: []PBXQueueMember{
		{State: DeviceIdle},
		{State: DeviceUnknown},
		{State: DeviceRinging},
		{State: DeviceIdle, InCall: true},
		{State: DeviceInUse, Paused: true},
		{State: DeviceUnavailable},
		{State: DeviceInvalid},
	}, Callers: []PBXQueueCaller{{Since: now.Add(-5 * time.Second)}, {Since: now.Add(-42 * time.Second)}, {Since: now.Add(time.Minute)}}}
	s := q.Summary(now)
	if s.Agents != 7 || s.Available != 2 || s.Busy != 2 || s.Paused != 1 || s.Waiting != 3 || s.LongestWait != 42 {
		t.Errorf("%+v", s)
	}
}
