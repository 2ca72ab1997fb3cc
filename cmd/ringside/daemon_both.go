package main

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/esl"
)

// bothPBXs acts on Asterisk and on FreeSWITCH where both are configured. A request goes to the one whose
// channel it names, FreeSWITCH if that is a uuid; calls are placed by Asterisk.
type bothPBXs struct{ asterisk, freeswitch ringside.CallControl }

var _ ringside.CallControl = bothPBXs{}

func (b bothPBXs) of(channel string) ringside.CallControl {
	if esl.IsChannel(channel) {
		return b.freeswitch
	}
	return b.asterisk
}

// Originate implements ringside.CallControl.
func (b bothPBXs) Originate(ctx context.Context, r ringside.OriginateRequest) (ringside.Originated, error) {
	return b.asterisk.Originate(ctx, r)
}

// Hangup implements ringside.CallControl.
func (b bothPBXs) Hangup(ctx context.Context, r ringside.HangupRequest) error {
	return b.of(r.Channel).Hangup(ctx, r)
}

// Transfer implements ringside.CallControl.
func (b bothPBXs) Transfer(ctx context.Context, r ringside.TransferRequest) error {
	return b.of(r.Channel).Transfer(ctx, r)
}

// Park implements ringside.CallControl.
func (b bothPBXs) Park(ctx context.Context, r ringside.ParkRequest) (ringside.Parked, error) {
	return b.of(r.Channel).Park(ctx, r)
}

// Spy implements ringside.CallControl.
func (b bothPBXs) Spy(ctx context.Context, r ringside.SpyRequest) (ringside.Originated, error) {
	return b.of(r.Channel).Spy(ctx, r)
}

// Bridge implements ringside.CallControl. Both channels must be of one PBX: the one of the first refuses
// another's name.
func (b bothPBXs) Bridge(ctx context.Context, r ringside.BridgeRequest) error {
	if r.Channel != "" && r.With != "" && esl.IsChannel(r.Channel) != esl.IsChannel(r.With) {
		return &ringside.InvalidError{Field: "with", Reason: "one channel is FreeSWITCH's, and the other one is Asterisk's"}
	}
	return b.of(r.Channel).Bridge(ctx, r)
}

// SendDTMF implements ringside.CallControl.
func (b bothPBXs) SendDTMF(ctx context.Context, r ringside.DTMFRequest) error {
	return b.of(r.Channel).SendDTMF(ctx, r)
}

// Mute implements ringside.CallControl.
func (b bothPBXs) Mute(ctx context.Context, r ringside.MuteRequest) error {
	return b.of(r.Channel).Mute(ctx, r)
}

// Record implements ringside.CallControl.
func (b bothPBXs) Record(ctx context.Context, r ringside.RecordRequest) (ringside.Recording, error) {
	return b.of(r.Channel).Record(ctx, r)
}

// StopRecord implements ringside.CallControl.
func (b bothPBXs) StopRecord(ctx context.Context, r ringside.Recording) error {
	return b.of(r.Channel).StopRecord(ctx, r)
}

// Variable implements ringside.CallControl.
func (b bothPBXs) Variable(ctx context.Context, channel, name string) (string, error) {
	return b.of(channel).Variable(ctx, channel, name)
}

// SetVariable implements ringside.CallControl.
func (b bothPBXs) SetVariable(ctx context.Context, channel string, v ringside.Variable) error {
	return b.of(channel).SetVariable(ctx, channel, v)
}

// Channel implements ringside.CallControl.
func (b bothPBXs) Channel(ctx context.Context, name string) (ringside.ChannelInfo, error) {
	return b.of(name).Channel(ctx, name)
}

// Channels implements ringside.CallControl. Those of one PBX are told although the other one is away.
func (b bothPBXs) Channels(ctx context.Context) ([]ringside.ChannelInfo, error) {
	all, err := b.asterisk.Channels(ctx)
	more, also := b.freeswitch.Channels(ctx)
	if err != nil && also != nil {
		return nil, errors.Join(err, also)
	}
	all = append(append([]ringside.ChannelInfo{}, all...), more...)
	slices.SortStableFunc(all, func(a, b ringside.ChannelInfo) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Name, b.Name))
	})
	return all, nil
}
