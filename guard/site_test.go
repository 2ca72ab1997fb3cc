package guard_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/guard"
	"github.com/ringside-pbx/ringside/routing"
)

// pbx notes what reaches it and does nothing else.
type pbx struct {
	ringside.CallControl
	mu    sync.Mutex
	calls []string // from>to
	asked []ringside.OriginateRequest
	live  map[string]bool
	// channels are what Channel tells; answer is what Originate does.
	channels map[string]ringside.ChannelInfo
	answer   func(ctx context.Context, made ringside.Originated) (ringside.Originated, error)
	transfer func() error
}

func (p *pbx) note(format string, args ...any) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, fmt.Sprintf(format, args...))
	return len(p.calls)
}

func (p *pbx) Originate(ctx context.Context, r ringside.OriginateRequest) (ringside.Originated, error) {
	n := p.note("%s %s > %s %s", r.From.Kind, r.From.Number, r.To.Kind, r.To.Number)
	made := ringside.Originated{ID: fmt.Sprintf("id-%d", n), Status: ringside.DialAnswered}
	p.mu.Lock()
	p.asked = append(p.asked, r)
	p.live[made.ID] = true
	p.mu.Unlock()
	if p.answer != nil {
		return p.answer(ctx, made)
	}
	return made, nil
}

func (p *pbx) Transfer(_ context.Context, r ringside.TransferRequest) error {
	p.note("%s > %s %s", r.Channel, r.To.Kind, r.To.Number)
	if p.transfer != nil {
		return p.transfer()
	}
	return nil
}

func (p *pbx) Spy(_ context.Context, r ringside.SpyRequest) (ringside.Originated, error) {
	p.note("%s %s listens to %s", r.Listener.Kind, r.Listener.Number, r.Channel)
	return ringside.Originated{}, nil
}

func (p *pbx) SetVariable(_ context.Context, channel string, v ringside.Variable) error {
	p.note("%s: %s=%s", channel, v.Name, v.Value)
	return nil
}

func (p *pbx) Channel(_ context.Context, name string) (ringside.ChannelInfo, error) {
	info, ok := p.channels[name]
	if !ok {
		return info, ringside.ErrNoChannel
	}
	return info, nil
}

func (p *pbx) isLive(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.live[id]
}

// hangUpAll ends every call.
func (p *pbx) hangUpAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.live)
}

func (p *pbx) dialled() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.calls, "; ")
}

// russia is a directory: 101 may call out, 102 may not, 103 is switched off; 81053123456 is an extension that
// looks like a telephone number abroad, 79001112233 one that looks like a mobile.
func russia() ringside.Directory {
	out := &ringside.Account{CanMakeExternalCalls: true, Active: true, ExternalCallerID: "84951234567", MaxConcurrentCalls: 2}
	return ringside.Directory{DefaultCountry: "RU", Numbers: []ringside.Extension{
		{ID: 1, Number: "101", Active: true, Account: out},
		{ID: 2, Number: "102", Active: true},
		{ID: 3, Number: "103", Account: out},
		{ID: 4, Number: "104", Active: true, Account: out},
		{ID: 5, Number: "8105352123456", Active: true, Account: out},
		{ID: 6, Number: "79001112233", Active: true, Account: out},
	}}
}

type asked struct{ *routing.Compiled }

func (a asked) Extension(number string) (guard.Extension, bool) {
	src, active := a.Compiled.Extension(number)
	if src == nil {
		return guard.Extension{}, false
	}
	e := guard.Extension{Active: active}
	if src.Account != nil {
		e.MayCallOut, e.CallerID = src.Account.CanMakeExternalCalls, src.Account.ExternalCallerID
	}
	return e, true
}

func plenty() guard.Limits { return guard.Limits{PerMinute: 1000, PerHour: 10000, Concurrent: 1000} }

// newSite makes a guard before a PBX; change adapts its options.
func newSite(t testing.TB, doc ringside.Directory, change func(*guard.Options)) (*guard.Guard, *pbx) {
	t.Helper()
	dir, _ := routing.Compile(doc)
	return newSiteOf(t, dir, change)
}

func newSiteOf(t testing.TB, dir *routing.Compiled, change func(*guard.Options)) (*guard.Guard, *pbx) {
	t.Helper()
	p := &pbx{live: map[string]bool{}, channels: map[string]ringside.ChannelInfo{}}
	opt := guard.Options{
		Control: p, Live: p.isLive, Log: slog.New(slog.DiscardHandler),
		Directory: func() guard.Directory { return asked{dir} },
		Allow:     []string{"+7", "+99871"}, Deny: []string{"+7840", "+7809", "+77"},
		Variables: []string{"CRM_*"}, Person: plenty(), Total: plenty(),
	}
	if change != nil {
		change(&opt)
	}
	g, err := guard.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	return g, p
}

func extension(number string) ringside.Target {
	return ringside.Target{Kind: ringside.ToExtension, Number: number}
}

func external(number string) ringside.Target {
	return ringside.Target{Kind: ringside.ToExternal, Number: number}
}

func click(from, to ringside.Target) ringside.OriginateRequest {
	return ringside.OriginateRequest{From: from, To: to, By: "anna"}
}
