package guard

import (
	"context"

	"github.com/ringside-pbx/ringside"
)

// Spy implements ringside.CallControl. Only an extension may listen.
func (g *Guard) Spy(ctx context.Context, r ringside.SpyRequest) (ringside.Originated, error) {
	const action = "spy"
	err := first(r.Validate(), checkPerson(r.By))
	var dir Directory
	if err == nil {
		dir, err = g.inEffect()
	}
	var listener side
	if err == nil {
		listener, err = g.side(dir, r.Listener)
	}
	if err == nil && listener.outside() {
		err = deny(listener.target.Number, "%s is no extension: nobody outside may listen to a call", listener.target.Number)
	}
	if err != nil {
		return ringside.Originated{}, g.refuse(action, r.By, err)
	}
	r.Listener = listener.target
	g.log.Info("lets somebody listen", "by", r.By, "listener", r.Listener.Number, "channel", r.Channel, "mode", r.Mode)
	return g.opt.Control.Spy(ctx, r)
}

// SetVariable implements ringside.CallControl. The log has the name only: a value may be a secret.
func (g *Guard) SetVariable(ctx context.Context, channel string, v ringside.Variable) error {
	err := first(ringside.CheckChannel("channel", channel), v.Validate())
	if err == nil {
		err = g.variable(v)
	}
	if err != nil {
		return g.refuse("set_variable", "", err)
	}
	g.log.Info("sets a variable", "channel", channel, "variable", v.Name)
	return g.opt.Control.SetVariable(ctx, channel, v)
}

// Hangup implements ringside.CallControl.
func (g *Guard) Hangup(ctx context.Context, r ringside.HangupRequest) error {
	if err := r.Validate(); err != nil {
		return err
	}
	g.log.Info("hangs up", "channel", r.Channel, "cause", r.Cause)
	return g.opt.Control.Hangup(ctx, r)
}

// Park implements ringside.CallControl.
func (g *Guard) Park(ctx context.Context, r ringside.ParkRequest) (ringside.Parked, error) {
	if err := r.Validate(); err != nil {
		return ringside.Parked{}, err
	}
	g.log.Info("parks a call", "channel", r.Channel, "lot", r.Lot)
	return g.opt.Control.Park(ctx, r)
}

// Bridge implements ringside.CallControl.
func (g *Guard) Bridge(ctx context.Context, r ringside.BridgeRequest) error {
	if err := r.Validate(); err != nil {
		return err
	}
	g.log.Info("connects two channels", "channel", r.Channel, "with", r.With)
	return g.opt.Control.Bridge(ctx, r)
}

// SendDTMF implements ringside.CallControl. The log has no digits: they may be somebody's PIN.
func (g *Guard) SendDTMF(ctx context.Context, r ringside.DTMFRequest) error {
	if err := r.Validate(); err != nil {
		return err
	}
	g.log.Info("presses keys", "channel", r.Channel, "keys", len(r.Digits))
	return g.opt.Control.SendDTMF(ctx, r)
}

// Mute implements ringside.CallControl.
func (g *Guard) Mute(ctx context.Context, r ringside.MuteRequest) error {
	if err := r.Validate(); err != nil {
		return err
	}
	g.log.Info("mutes a channel", "channel", r.Channel, "direction", r.Direction, "off", r.Off)
	return g.opt.Control.Mute(ctx, r)
}

// Record implements ringside.CallControl.
func (g *Guard) Record(ctx context.Context, r ringside.RecordRequest) (ringside.Recording, error) {
	if err := r.Validate(); err != nil {
		return ringside.Recording{}, err
	}
	g.log.Info("records a channel", "channel", r.Channel, "name", r.Name)
	return g.opt.Control.Record(ctx, r)
}

// StopRecord implements ringside.CallControl.
func (g *Guard) StopRecord(ctx context.Context, r ringside.Recording) error {
	if err := ringside.CheckChannel("channel", r.Channel); err != nil {
		return err
	}
	g.log.Info("stops a recording", "channel", r.Channel)
	return g.opt.Control.StopRecord(ctx, r)
}

// Variable implements ringside.CallControl.
func (g *Guard) Variable(ctx context.Context, channel, name string) (string, error) {
	if err := first(ringside.CheckChannel("channel", channel), ringside.Variable{Name: name}.Validate()); err != nil {
		return "", err
	}
	return g.opt.Control.Variable(ctx, channel, name)
}

// Channel implements ringside.CallControl.
func (g *Guard) Channel(ctx context.Context, name string) (ringside.ChannelInfo, error) {
	if err := ringside.CheckChannel("channel", name); err != nil {
		return ringside.ChannelInfo{}, err
	}
	return g.opt.Control.Channel(ctx, name)
}

// Channels implements ringside.CallControl.
func (g *Guard) Channels(ctx context.Context) ([]ringside.ChannelInfo, error) {
	return g.opt.Control.Channels(ctx)
}
