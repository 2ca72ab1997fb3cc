package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/guard"
	"github.com/ringside-pbx/ringside/routing"
)

// takes is a PBX that takes every call.
type takes struct {
	ringside.CallControl
	last ringside.OriginateRequest
}

func (p *takes) Originate(_ context.Context, r ringside.OriginateRequest) (ringside.Originated, error) {
	p.last = r
	return ringside.Originated{ID: "1", Status: ringside.DialAnswered}, nil
}

func outboundGuard(t *testing.T, text string, dir *routing.Compiled) (*guard.Guard, *takes) {
	t.Helper()
	c, err := LoadConfig(writeFile(t, "ringside.yaml", text))
	if err != nil {
		t.Fatal(err)
	}
	p := &takes{}
	g, err := guard.New(c.Outbound.guard(p, func(string) bool { return true }, func() *routing.Compiled { return dir }, slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	return g, p
}

func TestWhatIsDialledIsAsTheConfigurationAndTheDirectorySay(t *testing.T) {
	dir, _ := routing.Compile(ringside.Directory{
		DefaultCountry: "RU",
		Servers:        []ringside.Server{{ID: 7}},
		Numbers: []ringside.Extension{
			{ID: 1, Number: "101", Active: true, Account: &ringside.Account{Active: true, CanMakeExternalCalls: true, ExternalCallerID: "84951234567"}},
			{ID: 2, Number: "102", Active: true},
			{ID: 3, Number: "103", Active: true, Account: &ringside.Account{CanMakeExternalCalls: true}},
			{ID: 4, Number: "104", Active: true, Server: 7},
		},
	})
	mobile := ringside.Target{Kind: ringside.ToExternal, Number: "89001234567"}
	cases := []struct {
		config, from, caller string
		dir                  *routing.Compiled
		want                 string
	}{
		{"", "101", "", dir, "outbound.allow"}, // nothing outside unless it is configured
		{"outbound: {allow: ['+7']}\n", "101", "84951234567", dir, ""},
		{"outbound: {allow: [+7]}\n", "101", "", dir, ""}, // without quotes it is a number to YAML
		{"outbound: {allow: ['+7'], deny: ['+790']}\n", "101", "", dir, "outbound.deny"},
		{"outbound: {allow: ['+7']}\n", "101", "104", dir, "caller id"},
		{"outbound: {allow: ['+7']}\n", "102", "", dir, "can_make_external_calls"},
		{"outbound: {allow: ['+7']}\n", "103", "", dir, "not active"},
		{"outbound: {allow: ['+7']}\n", "104", "", dir, "not active"},
		{"outbound: {allow: ['+7']}\n", "105", "", dir, "no extension 105"},
		{"outbound: {allow: ['+7']}\n", "101", "", nil, "no directory"},
	}
	for _, c := range cases {
		g, p := outboundGuard(t, c.config, c.dir)
		_, err := g.Originate(context.Background(), ringside.OriginateRequest{
			From: ringside.Target{Kind: ringside.ToExtension, Number: c.from}, To: mobile, CallerID: c.caller, By: "anna",
		})
		switch {
		case c.want != "" && (!errors.Is(err, ringside.ErrForbidden) || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s from %s: %v, want %q", c.config, c.from, err, c.want)
		case c.want == "" && (err != nil || p.last.To.Number != "+79001234567"):
			t.Errorf("%s from %s: %v, dialled %q", c.config, c.from, err, p.last.To.Number)
		}
	}
}

func TestEveryKeyOfOutboundReachesTheGuard(t *testing.T) {
	c, err := LoadConfig(writeFile(t, "ringside.yaml", `outbound:
  allow: ['+7']
  deny: ['+7840']
  external_to_external: true
  variables: [ORDER]
  person: {per_minute: 1, per_hour: 2, concurrent: 3}
  total: {per_minute: 4, per_hour: 5, concurrent: 6}
`))
	if err != nil {
		t.Fatal(err)
	}
	opt := c.Outbound.guard(nil, nil, nil, nil)
	opt.Directory, opt.Now = nil, nil
	want := guard.Options{
		Allow: []string{"+7"}, Deny: []string{"+7840"}, ExternalToExternal: true, Variables: []string{"ORDER"},
		Person: guard.Limits{PerMinute: 1, PerHour: 2, Concurrent: 3}, Total: guard.Limits{PerMinute: 4, PerHour: 5, Concurrent: 6},
	}
	if diff := cmp.Diff(want, opt); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
