package agi

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/channeltest"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

func TestDecideSetsEverythingInOneCommand(t *testing.T) {
	group := &ringside.RingGroup{ID: 7, Name: "Sales, 1st"}
	rule := &ringside.Rule{ID: 3, Name: "to sales"}
	cases := []struct {
		name string
		d    ringside.Decision
		want string
	}{
		{
			"route",
			ringside.Decision{Action: ringside.Route, Target: "101", Timeout: 25 * time.Second, Rule: rule, Group: group},
			`RINGSIDE_ACTION=route,RINGSIDE_TARGET=101,RINGSIDE_DIAL=PJSIP/101,RINGSIDE_TIMEOUT=25,RINGSIDE_GROUP=\"Sales, 1st\",RINGSIDE_RULE=\"to sales\",RINGSIDE_CALL_ID=n-1,RINGSIDE_RESULT=decided`,
		},
		{
			"all ring",
			ringside.Decision{Action: ringside.Route, Target: "101", Targets: []string{"101", "102"}},
			`RINGSIDE_ACTION=route,RINGSIDE_TARGET=101,RINGSIDE_DIAL=PJSIP/101&PJSIP/102,RINGSIDE_CALL_ID=n-1,RINGSIDE_RESULT=decided`,
		},
		{
			"nobody to ring",
			ringside.Decision{Action: ringside.Route, Targets: []string{}},
			`RINGSIDE_ACTION=route,RINGSIDE_CALL_ID=n-1,RINGSIDE_RESULT=released`,
		},
		{
			"forward",
			ringside.Decision{Action: ringside.Forward, Target: "+79001234567"},
			`RINGSIDE_ACTION=forward,RINGSIDE_TARGET=+79001234567,RINGSIDE_DIAL=PJSIP/+79001234567@trunk,RINGSIDE_CALL_ID=n-1,RINGSIDE_RESULT=decided`,
		},
		{
			"voicemail",
			ringside.Decision{Action: ringside.Voicemail, Target: "101"},
			`RINGSIDE_ACTION=voicemail,RINGSIDE_TARGET=101,RINGSIDE_DIAL=101@default,RINGSIDE_CALL_ID=n-1,RINGSIDE_RESULT=decided`,
		},
		{
			"announcement",
			ringside.Decision{Action: ringside.Announcement, Announcement: "We're closed, sorry"},
			`RINGSIDE_ACTION=announcement,RINGSIDE_TARGET=\"We're closed, sorry\",RINGSIDE_CALL_ID=n-1,RINGSIDE_RESULT=decided`,
		},
		{
			"busy",
			ringside.Decision{Action: ringside.Busy, Cause: ringside.CauseBusy},
			`RINGSIDE_ACTION=busy,RINGSIDE_TARGET=17,RINGSIDE_CALL_ID=n-1,RINGSIDE_RESULT=decided`,
		},
		{
			"hangup",
			ringside.Decision{Action: ringside.Hangup, Cause: ringside.CauseRejected},
			`RINGSIDE_ACTION=hangup,RINGSIDE_TARGET=21,RINGSIDE_CALL_ID=n-1,RINGSIDE_RESULT=decided`,
		},
		{"not found", ringside.Decision{Action: ringside.NotFound}, `RINGSIDE_ACTION=not_found,RINGSIDE_CALL_ID=n-1,RINGSIDE_RESULT=released`},
		{"not configured", ringside.Decision{Action: ringside.NotConfigured}, `RINGSIDE_ACTION=not_configured,RINGSIDE_CALL_ID=n-1,RINGSIDE_RESULT=released`},
		{"failed", ringside.Decision{Action: ringside.Failed}, `RINGSIDE_ACTION=error,RINGSIDE_CALL_ID=n-1,RINGSIDE_RESULT=released`},
		{
			"a target that can't be dialled",
			ringside.Decision{Action: ringside.Route, Target: "101&PJSIP/itsp/14165551212"},
			`RINGSIDE_ACTION=route,RINGSIDE_CALL_ID=n-1,RINGSIDE_RESULT=released`,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := &board{decide: func(ringside.Offer, ringside.Handover) (ringside.Decision, string) { return c.d, "n-1" }}
			story(t, Options{}, b, "decide", "> EXEC MSet \""+c.want+"\"\n< 200 result=0\nclosed")
		})
	}
}

func TestDecideReadsWhatTheDialplanPromises(t *testing.T) {
	seconds := func(n int) *time.Duration { d := time.Duration(n) * time.Second; return &d }
	for query, want := range map[string]ringside.Handover{
		"":                 {},
		"?tracked=1":       {Tracked: true},
		"?tracked=yes":     {},
		"?hold=0":          {Hold: seconds(0)},
		"?hold=90":         {Hold: seconds(90)},
		"?hold=-1":         {},
		"?hold=99999999":   {},
		"?hold=1m":         {},
		"?hold=5;tracked=": {},
	} {
		var got ringside.Handover
		b := &board{decide: func(_ ringside.Offer, h ringside.Handover) (ringside.Decision, string) {
			got = h
			return ringside.Decision{Action: ringside.NotFound}, "n-1"
		}}
		story(t, Options{}, b, "decide"+query, "> EXEC MSet \"RINGSIDE_ACTION=not_found,RINGSIDE_CALL_ID=n-1,RINGSIDE_RESULT=released\"\n< 200 result=0\nclosed")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("decide%s: %s", query, diff)
		}
	}
}

func TestLookupTellsWhoTheCallerIs(t *testing.T) {
	b := &board{contact: func(number string) (ringside.Contact, bool) {
		return ringside.Contact{Name: "Анна\nEXEC System \"id", Company: "A, B & (C", Owner: "101"}, number == "44201"
	}}
	story(t, Options{}, b, "lookup", `
		> EXEC MSet "RINGSIDE_NAME=\"АннаEXEC System 'id\",RINGSIDE_COMPANY=\"A, B &  C\",RINGSIDE_OWNER=101,RINGSIDE_RESULT=found"
		< 200 result=0
		closed`)
	story(t, Options{}, &board{}, "lookup", `
		> EXEC MSet "RINGSIDE_RESULT=unknown"
		< 511 Command Not Permitted on a dead channel or intercept routine
		closed`)
}

func TestHangupReportsWhatTheDialplanKnows(t *testing.T) {
	for reply, want := range map[string]ringside.Facts{
		"200 result=1 (ANSWER|12|16|PJSIP%2F101-0000000a)": {Status: ringside.DialAnswered, Cause: 16, Talk: 12 * time.Second, Answered: "101"},
		"200 result=1 (NOANSWER||19|PJSIP%2F101-1)":        {Status: ringside.DialNoAnswer, Cause: 19},
		"200 result=1 (|||)":                               {},
		"200 result=1 (||16|)":                             {Cause: 16},
		"200 result=0":                                     {},
		"510 Invalid or unknown command":                   {},
		"HANGUP\n< 511 Command Not Permitted on a dead channel or intercept routine": {},
		"oops": {},
	} {
		var got ringside.Facts
		var id string
		story(t, Options{}, &board{finish: func(o ringside.Offer, f ringside.Facts) bool {
			got, id = f, o.CallID
			return true
		}}, "hangup?id=L-1.2", "> "+readOutcome+"\n< "+reply+"\nclosed")
		if diff := cmp.Diff(want, got); diff != "" || id != "L-1.2" {
			t.Errorf("%s of %s: %s", reply, id, diff)
		}
	}
}

func TestAnsweredReportsTheExtensionAndSaysNothing(t *testing.T) {
	var h heardBy
	story(t, Options{}, &board{answered: func(id, number string) { h.add(id, number) }}, "answered?id=n-1", "closed")
	h.want(t, "n-1 trunk")
}

// hostile generates names as a caller or a broken CRM would choose them.
func hostile() *rapid.Generator[string] {
	pieces := []string{
		`"`, `\`, ",", "=", "(", ")", "[", "]", "${SHELL(id)}", "$[1+1]", "%n", "\n", "\r\nEXEC System id", "\x00", "|", "&", ";", "^",
		"Анна Каренина", "\u202egnp.exe", "\u200f", "é", "🙂", "\xff\xfe", "\ufffd", " ", "'", "`", "RINGSIDE_RESULT=done", strings.Repeat("я", 600),
	}
	return rapid.Custom(func(t *rapid.T) string {
		s := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 8).Draw(t, "pieces"), "")
		return strings.Repeat(s+rapid.String().Draw(t, "text"), rapid.SampledFrom([]int{1, 1, 1, 40}).Draw(t, "times"))
	})
}

// harmless reports what is still wrong with a text that Asterisk has taken over.
func harmless(s string) error {
	switch {
	case !utf8.ValidString(s):
		return fmt.Errorf("%q is cut within a character", s)
	case strings.ContainsAny(s, "\"\\$`"):
		return fmt.Errorf("%q can be quoted or expanded", s)
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }):
		return fmt.Errorf("%q holds control characters", s)
	}
	return nil
}

// A2, A3, A4: whatever the names are, a decision is one command, and Asterisk understands exactly
// the variables that are meant.
func TestEveryDecisionFitsAndIsUnderstood(t *testing.T) {
	s, err := newServer(Options{Dial: dialplan.Dial{
		Extension: "PJSIP/" + dialplan.Placeholder + "@" + strings.Repeat("a", dialplan.MaxTemplate-len(dialplan.Placeholder)-8),
		External:  templates.External, Voicemail: templates.Voicemail,
	}}, &board{})
	if err != nil {
		t.Fatal(err)
	}
	if errs := s.opt.Dial.Validate(); len(errs) > 0 {
		t.Fatal(errs)
	}
	rapid.Check(t, func(rt *rapid.T) {
		number := rapid.StringMatching(`[0-9A-Za-z_.+-]{1,64}`)
		d := ringside.Decision{
			Action:  rapid.SampledFrom([]ringside.Outcome{ringside.Route, ringside.Forward, ringside.Voicemail, ringside.Announcement, ringside.Busy}).Draw(rt, "action"),
			Target:  number.Draw(rt, "target"),
			Timeout: time.Duration(rapid.IntRange(0, 1<<30).Draw(rt, "timeout")) * time.Second,
			Cause:   127, Announcement: hostile().Draw(rt, "announcement"),
			Rule: &ringside.Rule{Name: hostile().Draw(rt, "rule")}, Group: &ringside.RingGroup{Name: hostile().Draw(rt, "group")},
		}
		if n := rapid.IntRange(0, 60).Draw(rt, "members"); n > 0 {
			d.Targets = rapid.SliceOfN(number, n, n).Draw(rt, "targets")
		}
		id := hostile().Draw(rt, "id")
		if rapid.Bool().Draw(rt, "usual id") {
			id = strings.Repeat("i", ringside.MaxCallID)
		}
		meant, _ := s.opt.Dial.Handover(&d, id)
		got := understood(t, "EXEC MSet "+fitting(meant)+"\n")

		values := map[string]string{}
		for i, v := range got {
			if err := harmless(v.Value); err != nil {
				rt.Fatalf("%s: %v", v.Name, err)
			}
			values[v.Name] = v.Value
			if (v.Name == dialplan.VarResult) != (i == len(got)-1) {
				rt.Fatalf("%s is variable %d of %d", v.Name, i+1, len(got))
			}
		}
		if len(values) != len(got) {
			rt.Fatalf("a variable is set twice: %v", got)
		}
		for _, v := range meant {
			value, ok := values[v.Name]
			delete(values, v.Name)
			switch v.Name {
			case dialplan.VarRule, dialplan.VarGroup:
				// A cut may part brackets, which are then left out.
				blank := strings.NewReplacer("(", " ", ")", " ", "[", " ", "]", " ").Replace
				if ok && !strings.HasPrefix(blank(dialplan.Plain(v.Value, dialplan.MaxValue)), blank(value)) {
					rt.Fatalf("%s became %q", v.Name, value)
				}
			case dialplan.VarDialString:
				if value != v.Value {
					rt.Fatalf("the dial string %q became %q", v.Value, value)
				}
			default:
				if !ok || value != dialplan.Plain(v.Value, dialplan.MaxValue) {
					rt.Fatalf("%s=%q became %q", v.Name, v.Value, value)
				}
			}
		}
		if len(values) > 0 {
			rt.Fatalf("variables that nobody meant: %v", values)
		}
	})
}

func TestNamesAreLeftOutBeforeTheCallSuffers(t *testing.T) {
	s, err := newServer(Options{Dial: templates}, &board{})
	if err != nil {
		t.Fatal(err)
	}
	d := ringside.Decision{
		Action: ringside.Route, Target: "100", Timeout: time.Hour,
		Rule: &ringside.Rule{Name: strings.Repeat("Ж", 500)}, Group: &ringside.RingGroup{Name: strings.Repeat("Щ", 500)},
	}
	for i := range 100 {
		d.Targets = append(d.Targets, fmt.Sprint(100+i))
	}
	names := func() (names []string) {
		meant, _ := s.opt.Dial.Handover(&d, strings.Repeat("i", 100))
		for _, v := range understood(t, "EXEC MSet "+fitting(meant)+"\n") {
			names = append(names, strings.TrimPrefix(v.Name, "RINGSIDE_"))
		}
		return names
	}
	want := []string{"ACTION", "TARGET", "DIAL", "TIMEOUT", "GROUP", "CALL_ID", "RESULT"}
	if diff := cmp.Diff(want, names()); diff != "" {
		t.Errorf("with a hundred phones: %s", diff)
	}
	d.Targets = d.Targets[:30]
	want = []string{"ACTION", "TARGET", "DIAL", "TIMEOUT", "GROUP", "RULE", "CALL_ID", "RESULT"}
	if diff := cmp.Diff(want, names()); diff != "" {
		t.Errorf("with thirty phones: %s", diff)
	}
}

// A1: a dial string is the template and a number, or there is none.
func TestDialStringsHoldNothingBeyondTheTemplate(t *testing.T) {
	plain := dialplan.Dial{Extension: "PJSIP/${number}", External: "PJSIP/${number}", Voicemail: "${number}"}
	target := regexp.MustCompile(`^[A-Za-z]+/[A-Za-z0-9_.+-]{1,64}$`)
	for _, number := range []string{
		"", "101&PJSIP/itsp/14165551212", "101@ctx", "Local/1@x", "${SHELL(id)}", "101,20", "101|tT", "101^x", "1(2)", "{1}", "1\n2", "1 2",
		"*72", "#1", "１０１", "\u202e101", strings.Repeat("1", 65), "101\x00",
	} {
		for _, kind := range []ringside.TargetKind{ringside.ToExtension, ringside.ToExternal} {
			if s, err := plain.String(ringside.Target{Kind: kind, Number: number}); err == nil {
				t.Errorf("%q became %q", number, s)
			}
		}
		if s, err := plain.Mailbox(number); err == nil {
			t.Errorf("%q became the mailbox %q", number, s)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.OneOf(rapid.String(), hostile(), rapid.StringMatching(`[0-9&|^$(){}/@,.+-]{1,20}`)).Draw(t, "number")
		if s, err := plain.String(ringside.Target{Number: number}); err == nil && !target.MatchString(s) {
			t.Fatalf("%q became %q", number, s)
		}
	})
}

func TestTemplatesAreChecked(t *testing.T) {
	good := dialplan.Dial{Extension: "PJSIP/${number}", External: "PJSIP/${number}@trunk", Voicemail: "${number}@default", Options: "tT", Speech: "Flite"}
	if errs := good.Validate(); len(errs) > 0 {
		t.Errorf("%v", errs)
	}
	for _, template := range []string{
		"", "PJSIP/101", "${number}${number}", "PJSIP/${number}&PJSIP/1", "PJSIP/${number},20", "Local/${number}@${CTX}", "PJSIP/${number}\n",
		"PJSIP/" + strings.Repeat("x", dialplan.MaxTemplate) + "${number}",
	} {
		if errs := (dialplan.Dial{Extension: template, External: template, Voicemail: template}).Validate(); len(errs) != 3 {
			t.Errorf("%q: %v", template, errs)
		}
	}
	for _, options := range []string{"m(jazz)", "t,T", "t T", "U(x)", strings.Repeat("t", dialplan.MaxOptions+1)} {
		bad := good
		bad.Options = options
		if len(bad.Validate()) == 0 {
			t.Errorf("the options %q were taken", options)
		}
	}
	bad := good
	bad.Speech = "Flite,x"
	if len(bad.Validate()) == 0 {
		t.Error("the application Flite,x was taken")
	}
}

func TestLongestDialCommandFits(t *testing.T) {
	d := dialplan.Dial{Extension: "PJSIP/${number}" + strings.Repeat("a", dialplan.MaxTemplate-15), Options: strings.Repeat("t", dialplan.MaxOptions)}
	c := &channel{dial: d, answer: strings.Repeat("a", 80)}
	req := channeltest.Extensions()
	req.CallID, req.Waiting, req.Music, req.Ring = strings.Repeat("i", ringside.MaxCallID), true, strings.Repeat("m", 80), 1<<62
	for range 50 {
		req.Targets = append(req.Targets, ringside.Target{Kind: ringside.ToExtension, Number: strings.Repeat("1", ringside.MaxNumber)})
	}
	targets, dropped, err := d.Strings(req.Targets)
	if err != nil || dropped == 0 || targets == "" {
		t.Fatalf("%q, %d dropped, %v", targets, dropped, err)
	}
	if n := len("EXEC Dial \n") + len(quote(targets+","+fmt.Sprint(int(req.Ring/time.Second))+","+c.options(req))); n > maxCommand {
		t.Errorf("%d bytes", n)
	}
	if n := len("EXEC \n") + 40 + 1 + len(quote(spoken(strings.Repeat("Ж", 5000)))); n > maxCommand {
		t.Errorf("a spoken text of %d bytes", n)
	}
}
