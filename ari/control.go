package ari

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/CyCoreSystems/ari/v6"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

var _ ringside.CallControl = (*App)(nil)

// ErrNeedsAMI says what is missing for what can't be done over ARI to channels of which most are not in Stasis.
var ErrNeedsAMI = fmt.Errorf("%w: this needs Asterisk's manager interface: set ami.address and ami.secret", ringside.ErrRefused)

// Transfer implements ringside.CallControl: it can't be done over ARI.
func (a *App) Transfer(context.Context, ringside.TransferRequest) error { return ErrNeedsAMI }

// Park implements ringside.CallControl: it can't be done over ARI.
func (a *App) Park(context.Context, ringside.ParkRequest) (ringside.Parked, error) {
	return ringside.Parked{}, ErrNeedsAMI
}

// Spy implements ringside.CallControl: it can't be done over ARI.
func (a *App) Spy(context.Context, ringside.SpyRequest) (ringside.Originated, error) {
	return ringside.Originated{}, ErrNeedsAMI
}

// Bridge implements ringside.CallControl: it can't be done over ARI.
func (a *App) Bridge(context.Context, ringside.BridgeRequest) error { return ErrNeedsAMI }

// Record implements ringside.CallControl: ARI records channels in Stasis alone, and one side of a talk.
func (a *App) Record(context.Context, ringside.RecordRequest) (ringside.Recording, error) {
	return ringside.Recording{}, ErrNeedsAMI
}

// StopRecord implements ringside.CallControl.
func (a *App) StopRecord(context.Context, ringside.Recording) error { return ErrNeedsAMI }

// Hangup implements ringside.CallControl.
func (a *App) Hangup(ctx context.Context, r ringside.HangupRequest) error {
	if err := r.Validate(); err != nil {
		return err
	}
	return a.on(ctx, r.Channel, http.MethodDelete, reason(r.Cause))
}

// SendDTMF implements ringside.CallControl.
func (a *App) SendDTMF(ctx context.Context, r ringside.DTMFRequest) error {
	if err := r.Validate(); err != nil {
		return err
	}
	p := params{"dtmf": r.Digits}
	if r.Length > 0 {
		p["duration"] = r.Length.Milliseconds()
	}
	return a.on(ctx, r.Channel, http.MethodPost, p, "dtmf")
}

// Mute implements ringside.CallControl.
func (a *App) Mute(ctx context.Context, r ringside.MuteRequest) error {
	if err := r.Validate(); err != nil {
		return err
	}
	method, direction := http.MethodPost, r.Direction
	if r.Off {
		method = http.MethodDelete
	}
	switch direction {
	case "":
		direction = "in"
	case "all":
		direction = "both"
	}
	return a.on(ctx, r.Channel, method, params{"direction": direction}, "mute")
}

// Variable implements ringside.CallControl.
func (a *App) Variable(ctx context.Context, channel, name string) (string, error) {
	if !ringside.VariableName(name) {
		return "", &ringside.InvalidError{Field: "variable", Reason: "it is no variable's name"}
	}
	id, err := a.idOf(ctx, channel)
	if err != nil {
		return "", err
	}
	return a.variable(ctx, id, name)
}

// SetVariable implements ringside.CallControl.
func (a *App) SetVariable(ctx context.Context, channel string, v ringside.Variable) error {
	if err := v.Validate(); err != nil {
		return err
	}
	return a.on(ctx, channel, http.MethodPost, params{"variable": v.Name, "value": v.Value}, "variable")
}

// Channel implements ringside.CallControl.
func (a *App) Channel(ctx context.Context, name string) (ringside.ChannelInfo, error) {
	if err := ringside.CheckChannel("channel", name); err != nil {
		return ringside.ChannelInfo{}, err
	}
	all, err := a.Channels(ctx)
	if err != nil {
		return ringside.ChannelInfo{}, err
	}
	i := slices.IndexFunc(all, func(c ringside.ChannelInfo) bool { return c.Name == name })
	if i < 0 {
		return ringside.ChannelInfo{}, fmt.Errorf("%w: %s", ringside.ErrNoChannel, name)
	}
	return all[i], nil
}

// Channels implements ringside.CallControl. It asks Asterisk.
func (a *App) Channels(ctx context.Context) ([]ringside.ChannelInfo, error) {
	var channels []ari.ChannelData
	if err := a.rest.do(ctx, http.MethodGet, []string{"channels"}, nil, &channels); err != nil {
		return nil, err
	}
	var bridges []ari.BridgeData
	if err := a.rest.do(ctx, http.MethodGet, []string{"bridges"}, nil, &bridges); err != nil {
		return nil, err
	}
	in := map[string]string{}
	for _, b := range bridges {
		for _, id := range b.ChannelIDs {
			in[id] = b.ID
		}
	}
	all := make([]ringside.ChannelInfo, 0, len(channels))
	for _, ch := range channels {
		i := info(ch)
		i.Bridge = in[ch.ID]
		all = append(all, i)
	}
	slices.SortStableFunc(all, func(x, y ringside.ChannelInfo) int { return x.Since.Compare(y.Since) })
	return all, nil
}

func info(ch ari.ChannelData) ringside.ChannelInfo {
	i := ringside.ChannelInfo{
		Name: ch.Name, ID: ch.ID, State: channelState(ch.State), Endpoint: dialplan.Device(ch.Name),
	}
	if t := ch.Creationtime; t != nil {
		i.Since = time.Unix(t.Seconds, int64(t.Nanos))
	}
	if ch.Caller != nil {
		i.Caller, i.CallerName = ch.Caller.Number, ch.Caller.Name
	}
	if ch.Connected != nil {
		i.Connected, i.ConnectedName = ch.Connected.Number, ch.Connected.Name
	}
	if p := ch.Dialplan; p != nil {
		i.Context, i.Extension, i.Application, i.Data = p.Context, p.Exten, p.AppName, p.AppData
	}
	return i
}

func channelState(s string) ringside.ChannelState {
	switch s {
	case "Ring":
		return ringside.ChannelRing
	case "Ringing":
		return ringside.ChannelRinging
	case "Up":
		return ringside.ChannelUp
	case "Busy":
		return ringside.ChannelBusy
	case "Dialing", "OffHook", "Pre-ring":
		return ringside.ChannelDialing
	}
	return ringside.ChannelDown
}

// on makes a request about the channel of that name.
func (a *App) on(ctx context.Context, channel, method string, p params, action ...string) error {
	id, err := a.idOf(ctx, channel)
	if err != nil {
		return err
	}
	return a.rest.do(ctx, method, append([]string{"channels", id}, action...), p, nil)
}

// idOf finds a channel's id, by which ARI knows it, by its name.
func (a *App) idOf(ctx context.Context, name string) (string, error) {
	ch, err := a.Channel(ctx, name)
	return ch.ID, err
}
