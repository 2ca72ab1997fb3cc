package control

import (
	"context"
	"net/http"
	"net/url"

	"github.com/ringside-pbx/ringside"
)

// PBX implements Daemon.
func (c *Client) PBX() (PBX, error) { return c, nil }

// Lines implements Daemon.
func (c *Client) Lines(ctx context.Context) ([]ringside.LineStatus, error) {
	return ask[[]ringside.LineStatus](ctx, c, http.MethodGet, "/lines", nil, nil)
}

// order sends a request to the PBX.
func order[A any](ctx context.Context, c *Client, name string, q any) (A, error) {
	return send[A](ctx, c, http.MethodPost, "/pbx/"+name, q)
}

func quiet(ctx context.Context, c *Client, name string, q any) error {
	_, err := order[struct{}](ctx, c, name, q)
	return err
}

// PBXHealth implements PBX.
func (c *Client) PBXHealth(ctx context.Context) (ringside.PBXHealth, error) {
	return ask[ringside.PBXHealth](ctx, c, http.MethodGet, "/pbx/health", nil, nil)
}

// Queues implements PBX.
func (c *Client) Queues(ctx context.Context) ([]ringside.PBXQueue, error) {
	return ask[[]ringside.PBXQueue](ctx, c, http.MethodGet, "/pbx/queues", nil, nil)
}

// ChangeQueue implements PBX.
func (c *Client) ChangeQueue(ctx context.Context, q QueueChange) error {
	return quiet(ctx, c, "queue", q)
}

// Originate implements ringside.CallControl.
func (c *Client) Originate(ctx context.Context, r ringside.OriginateRequest) (ringside.Originated, error) {
	return order[ringside.Originated](ctx, c, "originate", r)
}

// Spy implements ringside.CallControl.
func (c *Client) Spy(ctx context.Context, r ringside.SpyRequest) (ringside.Originated, error) {
	return order[ringside.Originated](ctx, c, "spy", r)
}

// Park implements ringside.CallControl.
func (c *Client) Park(ctx context.Context, r ringside.ParkRequest) (ringside.Parked, error) {
	return order[ringside.Parked](ctx, c, "park", r)
}

// Record implements ringside.CallControl.
func (c *Client) Record(ctx context.Context, r ringside.RecordRequest) (ringside.Recording, error) {
	return order[ringside.Recording](ctx, c, "record", r)
}

// StopRecord implements ringside.CallControl.
func (c *Client) StopRecord(ctx context.Context, r ringside.Recording) error {
	return quiet(ctx, c, "stop-record", r)
}

// Hangup implements ringside.CallControl.
func (c *Client) Hangup(ctx context.Context, r ringside.HangupRequest) error {
	return quiet(ctx, c, "hangup", r)
}

// Transfer implements ringside.CallControl.
func (c *Client) Transfer(ctx context.Context, r ringside.TransferRequest) error {
	return quiet(ctx, c, "transfer", r)
}

// Bridge implements ringside.CallControl.
func (c *Client) Bridge(ctx context.Context, r ringside.BridgeRequest) error {
	return quiet(ctx, c, "bridge", r)
}

// SendDTMF implements ringside.CallControl.
func (c *Client) SendDTMF(ctx context.Context, r ringside.DTMFRequest) error {
	return quiet(ctx, c, "dtmf", r)
}

// Mute implements ringside.CallControl.
func (c *Client) Mute(ctx context.Context, r ringside.MuteRequest) error {
	return quiet(ctx, c, "mute", r)
}

// Variable implements ringside.CallControl.
func (c *Client) Variable(ctx context.Context, channel, name string) (string, error) {
	return ask[string](ctx, c, http.MethodGet, "/pbx/variable", url.Values{"channel": {channel}, "name": {name}}, nil)
}

// SetVariable implements ringside.CallControl.
func (c *Client) SetVariable(ctx context.Context, channel string, v ringside.Variable) error {
	return quiet(ctx, c, "variable", setVariable{channel, v})
}

// Channel implements ringside.CallControl.
func (c *Client) Channel(ctx context.Context, name string) (ringside.ChannelInfo, error) {
	return ask[ringside.ChannelInfo](ctx, c, http.MethodGet, "/pbx/channel", url.Values{"name": {name}}, nil)
}

// Channels implements ringside.CallControl.
func (c *Client) Channels(ctx context.Context) ([]ringside.ChannelInfo, error) {
	return ask[[]ringside.ChannelInfo](ctx, c, http.MethodGet, "/pbx/channels", nil, nil)
}
