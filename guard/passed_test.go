package guard_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/guard"
)

// quiet is a PBX that does everything that is asked of it.
type quiet struct {
	ringside.CallControl
	did []string
}

func (q *quiet) done(what string) error { q.did = append(q.did, what); return nil }

func (q *quiet) Hangup(context.Context, ringside.HangupRequest) error { return q.done("hangup") }
func (q *quiet) Bridge(context.Context, ringside.BridgeRequest) error { return q.done("bridge") }
func (q *quiet) SendDTMF(context.Context, ringside.DTMFRequest) error { return q.done("dtmf") }
func (q *quiet) Mute(context.Context, ringside.MuteRequest) error     { return q.done("mute") }
func (q *quiet) StopRecord(context.Context, ringside.Recording) error { return q.done("stop") }
func (q *quiet) Channels(context.Context) ([]ringside.ChannelInfo, error) {
	return nil, q.done("channels")
}

func (q *quiet) Park(context.Context, ringside.ParkRequest) (ringside.Parked, error) {
	return ringside.Parked{}, q.done("park")
}

func (q *quiet) Record(context.Context, ringside.RecordRequest) (ringside.Recording, error) {
	return ringside.Recording{}, q.done("record")
}

func (q *quiet) Variable(context.Context, string, string) (string, error) {
	return "", q.done("variable")
}

func (q *quiet) Channel(context.Context, string) (ringside.ChannelInfo, error) {
	return ringside.ChannelInfo{}, q.done("channel")
}

func TestWhatDialsNothingPassesIfItCanBeMeant(t *testing.T) {
	ctx := context.Background()
	everything := func(g *guard.Guard, channel string) []error {
		_, park := g.Park(ctx, ringside.ParkRequest{Channel: channel})
		_, record := g.Record(ctx, ringside.RecordRequest{Channel: channel})
		_, variable := g.Variable(ctx, channel, "CRM_ID")
		_, about := g.Channel(ctx, channel)
		return []error{
			g.Hangup(ctx, ringside.HangupRequest{Channel: channel}),
			g.Bridge(ctx, ringside.BridgeRequest{Channel: channel, With: "PJSIP/102-2"}),
			g.SendDTMF(ctx, ringside.DTMFRequest{Channel: channel, Digits: "12#"}),
			g.Mute(ctx, ringside.MuteRequest{Channel: channel}),
			g.StopRecord(ctx, ringside.Recording{Channel: channel}),
			park, record, variable, about,
		}
	}
	q := &quiet{}
	g, _ := newSite(t, russia(), func(o *guard.Options) { o.Control = q })
	for i, err := range everything(g, "PJSIP/101-1") {
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	if _, err := g.Channels(ctx); err != nil {
		t.Error(err)
	}
	slices.Sort(q.did)
	if got := strings.Join(q.did, " "); got != "bridge channel channels dtmf hangup mute park record stop variable" {
		t.Errorf("the PBX did %s", got)
	}

	q.did = nil
	for i, err := range everything(g, "PJSIP/101-1\r\nAction: Originate") {
		var invalid *ringside.InvalidError
		if !errors.As(err, &invalid) {
			t.Errorf("%d: %v", i, err)
		}
	}
	if _, err := g.Variable(ctx, "PJSIP/101-1", "SHELL(id)"); err == nil {
		t.Error("a function was read")
	}
	if len(q.did) != 0 {
		t.Errorf("the PBX did %v", q.did)
	}
}
