package guard_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/guard"
)

func TestWhoMayDialOut(t *testing.T) {
	mobile := external("+79001234567")
	cases := []struct {
		name     string
		from, to ringside.Target
		by       string
		want     string // a part of the reason; empty if it passes
	}{
		{"an extension that may", extension("101"), mobile, "anna", ""},
		{"one that may not", extension("102"), mobile, "anna", "extension 102 may not call out: its account lacks can_make_external_calls"},
		{"whoever is called first", mobile, extension("102"), "anna", "extension 102 may not call out"},
		{"called first, and may", mobile, extension("101"), "anna", ""},
		{"inside, and may not call out", extension("102"), extension("101"), "anna", ""},
		{"a person known by an extension that may not", extension("101"), mobile, "102", "extension 102 may not call out"},
		{"a person known by an extension that is off", extension("101"), mobile, "103", "extension 103 is not active"},
		{"a person known by an extension that may", extension("101"), mobile, "104", ""},
		{"nobody in particular", extension("101"), mobile, "", ""},
		{"two lines in the name", extension("101"), mobile, "a\nb", "by: is not one line"},
		{"a name as long as a book", extension("101"), mobile, strings.Repeat("x", 10_000), "by: is not one line"},
		{"both outside", mobile, external("+79007654321"), "anna", "outbound.external_to_external is off"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g, p := newSite(t, russia(), nil)
			_, err := g.Originate(context.Background(), ringside.OriginateRequest{From: c.from, To: c.to, By: c.by})
			if c.want == "" {
				if err != nil || p.dialled() == "" {
					t.Errorf("dialled %q, %v", p.dialled(), err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || p.dialled() != "" {
				t.Errorf("dialled %q, error %v", p.dialled(), err)
			}
		})
	}
}

func TestASwitchLetsTwoTelephonesBeConnected(t *testing.T) {
	g, p := newSite(t, russia(), func(o *guard.Options) { o.ExternalToExternal = true })
	if _, err := g.Originate(context.Background(), click(external("89001234567"), external("89007654321"))); err != nil {
		t.Fatal(err)
	}
	if want := "external +79001234567 > external +79007654321"; p.dialled() != want {
		t.Errorf("dialled %q", p.dialled())
	}
	if _, err := g.Originate(context.Background(), click(external("+5352123456"), external("89007654321"))); !errors.Is(err, ringside.ErrForbidden) {
		t.Errorf("the first leg abroad: %v", err)
	}
}

func TestATransferNeedsThePermissionOfWhoseCallItIs(t *testing.T) {
	channels := map[string]ringside.ChannelInfo{
		"PJSIP/102-1":   {ID: "1", Endpoint: "PJSIP/102"},
		"PJSIP/desk-2":  {ID: "2", Endpoint: "PJSIP/desk", Caller: "102"},
		"PJSIP/trunk-3": {ID: "3", Endpoint: "PJSIP/trunk", Caller: "+79001234567", Connected: "102"},
		"PJSIP/trunk-4": {ID: "4", Endpoint: "PJSIP/trunk", Caller: "+79001234567", Connected: "101"},
		"PJSIP/101-5":   {ID: "5", Endpoint: "PJSIP/101", Caller: "101", Connected: "102"},
	}
	cases := []struct {
		channel  string
		attended bool
		to       string
		want     string
	}{
		{"PJSIP/102-1", false, "+79007654321", "extension 102 may not call out"},
		{"PJSIP/102-1", true, "+79007654321", "extension 102 may not call out"},
		{"PJSIP/102-1", true, "101", ""},
		{"PJSIP/desk-2", true, "+79007654321", "extension 102 may not call out"},
		{"PJSIP/trunk-3", false, "+79007654321", "extension 102 may not call out"}, // it is 102 who sends it away
		{"PJSIP/trunk-4", false, "+79007654321", ""},
		{"PJSIP/101-5", true, "+79007654321", ""},
		{"PJSIP/gone-6", false, "+79007654321", "there is no such channel"},
	}
	for _, c := range cases {
		g, p := newSite(t, russia(), nil)
		p.channels = channels
		err := g.Transfer(context.Background(), ringside.TransferRequest{Channel: c.channel, To: external(c.to), Attended: c.attended, By: "anna"})
		switch {
		case c.want == "" && (err != nil || p.dialled() == ""), c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || p.dialled() != ""):
			t.Errorf("%s to %s: dialled %q, error %v, want %q", c.channel, c.to, p.dialled(), err, c.want)
		}
	}
}

func TestWithoutADirectoryNothingIsDialled(t *testing.T) {
	g, p := newSite(t, russia(), func(o *guard.Options) { o.Directory = func() guard.Directory { return nil } })
	ctx := context.Background()
	_, originate := g.Originate(ctx, click(extension("101"), extension("104")))
	transfer := g.Transfer(ctx, ringside.TransferRequest{Channel: "PJSIP/101-1", To: extension("104")})
	_, spy := g.Spy(ctx, ringside.SpyRequest{Listener: extension("101"), Channel: "PJSIP/104-1", Mode: ringside.SpyListen})
	for _, err := range []error{originate, transfer, spy} {
		if !errors.Is(err, ringside.ErrForbidden) || !strings.Contains(err.Error(), "there is no directory") {
			t.Errorf("got %v", err)
		}
	}
	if p.dialled() != "" || g.Refused() != 3 {
		t.Errorf("dialled %q, refused %d", p.dialled(), g.Refused())
	}
}

func TestOnlyExtensionsListen(t *testing.T) {
	cases := map[string]string{"101": "", "103": "not active", "+79001234567": "nobody outside may listen", "999": "neither an extension"}
	for number, want := range cases {
		g, p := newSite(t, russia(), nil)
		_, err := g.Spy(context.Background(), ringside.SpyRequest{Listener: external(number), Channel: "PJSIP/104-1", Mode: ringside.SpyListen, By: "anna"})
		switch {
		case want == "" && (err != nil || p.dialled() != "extension 101 listens to PJSIP/104-1"), want != "" && !errors.Is(err, ringside.ErrForbidden):
			t.Errorf("%s: %q, %v", number, p.dialled(), err)
		case want != "" && !strings.Contains(err.Error(), want):
			t.Errorf("%s: %v", number, err)
		}
	}
}

func TestWhatACallShows(t *testing.T) {
	cases := []struct {
		from, to ringside.Target
		shown    string
		want     string // what is passed on; "!" if it is refused
	}{
		{extension("101"), external("89001234567"), "", ""},
		{extension("101"), external("89001234567"), "101", "101"},
		{extension("101"), external("89001234567"), "84951234567", "84951234567"},
		{extension("101"), external("89001234567"), "+74951234567", "+74951234567"},
		{extension("101"), external("89001234567"), "9001234567", "+79001234567"}, // whom the extension is going to talk to
		{extension("101"), external("89001234567"), "104", "!"},
		{extension("101"), external("89001234567"), "+74959999999", "!"},
		{external("89001234567"), extension("101"), "84951234567", "84951234567"},
		{external("89001234567"), extension("101"), "89001234567", "!"}, // they would be called by themselves
		{external("89001234567"), extension("101"), "112", "!"},
		{extension("102"), extension("104"), "102", "102"},
		{extension("102"), extension("104"), "104", "104"},
		{extension("102"), extension("104"), "101", "!"},
	}
	for _, c := range cases {
		g, p := newSite(t, russia(), nil)
		r := click(c.from, c.to)
		r.CallerID = c.shown
		_, err := g.Originate(context.Background(), r)
		got := "!"
		if err == nil {
			got = p.asked[0].CallerID
		} else if !errors.Is(err, ringside.ErrForbidden) || !strings.Contains(err.Error(), "caller id "+c.shown) {
			t.Errorf("%s: %v", c.shown, err)
		}
		if got != c.want {
			t.Errorf("%s calls %s as %q: %q, want %q (%v)", c.from.Number, c.to.Number, c.shown, got, c.want, err)
		}
	}
}

func TestVariablesThatSteerACallAreNeverSet(t *testing.T) {
	site := func(o *guard.Options) { o.Variables = []string{"CRM_*", "T*", "CALLERID", "callerid", "e*", "ORDER"} }
	for name, ok := range map[string]bool{
		"CRM_ID": true, "__CRM_ID": true, "ORDER": true, "ORDERS": false, "TICKET": true, "OTHER": false, "crm_id": false,
		"TRANSFER_CONTEXT": false, "__TRANSFER_CONTEXT": false, "CALLERID": false, "callerid": false, "TRUNK": false,
		"execute_on_answer": false, "effective_caller_id_number": false, "RINGSIDE_CALL_ID": false, "__RINGSIDE_HELD": false,
		"CALLERID(num)": false, "SHELL(id)": false,
	} {
		g, p := newSite(t, russia(), site)
		v := ringside.Variable{Name: name, Value: "s3same"}
		set := g.SetVariable(context.Background(), "PJSIP/101-1", v)
		r := click(extension("101"), extension("104"))
		r.Variables = []ringside.Variable{v}
		_, originate := g.Originate(context.Background(), r)
		if (set == nil) != ok || (originate == nil) != ok || (p.dialled() != "") != ok {
			t.Errorf("%s: %v, %v; reached the PBX: %q", name, set, originate, p.dialled())
		}
	}
	g, _ := newSite(t, russia(), nil)
	err := g.SetVariable(context.Background(), "PJSIP/101-1", ringside.Variable{Name: "ORDER"})
	if !errors.Is(err, ringside.ErrForbidden) || !strings.Contains(err.Error(), "outbound.variables") {
		t.Errorf("got %v", err)
	}
}

func TestTheLogSaysWhoDidWhatAndNoSecrets(t *testing.T) {
	var b bytes.Buffer
	g, _ := newSite(t, russia(), func(o *guard.Options) { o.Log = slog.New(slog.NewTextHandler(&b, nil)) })
	ctx := context.Background()
	r := click(extension("101"), external("89001234567"))
	r.Variables = []ringside.Variable{{Name: "CRM_TOKEN", Value: "s3same"}}
	_, _ = g.Originate(ctx, r)
	_ = g.SetVariable(ctx, "PJSIP/101-1", ringside.Variable{Name: "CRM_TOKEN", Value: "s3same"})
	_, _ = g.Originate(ctx, click(extension("101"), external("8105352123457")))
	for _, want := range []string{
		`level=INFO msg="originates a call" by=anna from=101 to=+79001234567`, "variable=CRM_TOKEN",
		"level=WARN", "by=anna number=+5352123457", "outside outbound.allow",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "s3same") {
		t.Errorf("the log tells a secret:\n%s", b.String())
	}
}

func TestAnOptionThatCanNotBeMeantIsAnError(t *testing.T) {
	_, err := guard.New(guard.Options{Allow: []string{"+7", "7"}, Deny: []string{"+7x"}, Variables: []string{"*"}})
	for _, want := range []string{"a guard needs a PBX", "outbound.allow[1]", "outbound.deny[0]", "outbound.variables[0]"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
	g, p := newSite(t, russia(), func(o *guard.Options) { o.Person, o.Total = guard.Limits{}, guard.Limits{} })
	if _, err := g.Originate(context.Background(), click(extension("101"), external("89001234567"))); !errors.Is(err, ringside.ErrForbidden) || p.dialled() != "" {
		t.Errorf("no limits let through: %v", err)
	}
}
