package esl

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
)

// Channel implements ringside.CallControl. A channel's name is its uuid.
func (p *PBX) Channel(ctx context.Context, name string) (ringside.ChannelInfo, error) {
	if err := checkChannel("channel", name); err != nil {
		return ringside.ChannelInfo{}, err
	}
	s, err := p.live()
	if err != nil {
		return ringside.ChannelInfo{}, err
	}
	return s.dump(ctx, name)
}

// dump asks for one channel, which FreeSWITCH knows from its first moment on.
func (s *session) dump(ctx context.Context, id string) (ringside.ChannelInfo, error) {
	printed, err := s.run(ctx, "uuid_dump", id)
	if err != nil {
		return ringside.ChannelInfo{}, err
	}
	return dumped(id, fields(printed)), nil
}

// dumped reads what uuid_dump prints, which is as an event of the channel.
func dumped(id string, f fields) ringside.ChannelInfo {
	c := ringside.ChannelInfo{
		Name: id, ID: id, CallID: cmp.Or(f.get("Channel-Call-UUID"), id), Endpoint: endpointOf(f.get("Channel-Name")),
		Context: f.get("Caller-Context"), Extension: f.get("Caller-Destination-Number"),
		Application: f.variable("current_application"), Data: f.variable("current_application_data"),
	}
	if f.variable("signal_bond") != "" {
		c.Bridge = c.CallID
	}
	if us, err := strconv.ParseInt(f.get("Caller-Channel-Created-Time"), 10, 64); err == nil && us > 0 {
		c.Since = time.UnixMicro(us)
	}
	outbound := f.get("Call-Direction") == outboundCall
	c.State = channelState(f.get("Channel-Call-State"), outbound)
	parties(&c, outbound,
		party{f.get("Caller-Caller-ID-Number"), f.get("Caller-Caller-ID-Name")},
		party{cmp.Or(f.get("Caller-Callee-ID-Number"), f.get("Caller-Destination-Number")), f.get("Caller-Callee-ID-Name")})
	return c
}

const outboundCall = "outbound"

// party is one side of a channel.
type party struct{ number, name string }

// parties puts who calls and who is called into the channel: its own side is who is called where FreeSWITCH
// has placed the call.
func parties(c *ringside.ChannelInfo, outbound bool, caller, callee party) {
	if outbound {
		caller, callee = callee, caller
	}
	c.Caller, c.CallerName, c.Connected, c.ConnectedName = caller.number, caller.name, callee.number, callee.name
}

// endpointOf is the device or trunk of a channel's name: sofia/internal/101 of sofia/internal/101@192.0.2.2.
func endpointOf(name string) string {
	device, _, _ := strings.Cut(name, "@")
	return device
}

// channelState translates FreeSWITCH's states of calls (switch_channel.c).
func channelState(callState string, outbound bool) ringside.ChannelState {
	switch callState {
	case "DIALING":
		return ringside.ChannelDialing
	case "RINGING", "EARLY", "RING_WAIT":
		if outbound {
			return ringside.ChannelRinging
		}
		return ringside.ChannelRing
	case "ACTIVE", "HELD", "UNHELD":
		return ringside.ChannelUp
	}
	return ringside.ChannelDown
}

// shown is what `show channels as json` prints.
type shown struct {
	Rows []shownChannel `json:"rows"`
}

// shownChannel is a row of FreeSWITCH's table of channels, in which all values are texts.
type shownChannel struct {
	UUID        string `json:"uuid"`
	Direction   string `json:"direction"`
	Created     string `json:"created_epoch"`
	Name        string `json:"name"`
	CallState   string `json:"callstate"`
	CallUUID    string `json:"call_uuid"`
	CallerName  string `json:"cid_name"`
	Caller      string `json:"cid_num"`
	CalleeName  string `json:"callee_name"`
	Callee      string `json:"callee_num"`
	Dest        string `json:"dest"`
	Context     string `json:"context"`
	Application string `json:"application"`
	Data        string `json:"application_data"`
}

// maxShown bounds how many channels are told of.
const maxShown = 20_000

// readChannels reads what `show channels as json` prints. Without a channel there are no rows.
func readChannels(printed string) ([]ringside.ChannelInfo, error) {
	if err := problem("show", printed); err != nil {
		return nil, err
	}
	var table shown
	if err := json.Unmarshal([]byte(printed), &table); err != nil {
		return nil, fmt.Errorf("%w: show: what FreeSWITCH printed is no list of channels: %w", ringside.ErrRefused, err)
	}
	all := []ringside.ChannelInfo{}
	for i := range table.Rows[:min(len(table.Rows), maxShown)] {
		row := &table.Rows[i]
		if row.UUID == "" {
			continue
		}
		c := ringside.ChannelInfo{
			Name: row.UUID, ID: row.UUID, CallID: cmp.Or(row.CallUUID, row.UUID), Endpoint: endpointOf(row.Name),
			State: channelState(row.CallState, row.Direction == outboundCall), Context: row.Context, Extension: row.Dest,
			Application: row.Application, Data: row.Data,
		}
		if at, err := strconv.ParseInt(row.Created, 10, 64); err == nil && at > 0 {
			c.Since = time.Unix(at, 0)
		}
		parties(&c, row.Direction == outboundCall, party{row.Caller, row.CallerName}, party{cmp.Or(row.Callee, row.Dest), row.CalleeName})
		all = append(all, c)
	}
	return all, nil
}

// maxMissing bounds how many channels are asked about one by one.
const maxMissing = 16

// Channels implements ringside.CallControl. FreeSWITCH's table of channels lags some milliseconds behind, so
// channels that ringside has placed are asked about if they are missing in it.
func (p *PBX) Channels(ctx context.Context) ([]ringside.ChannelInfo, error) {
	s, err := p.live()
	if err != nil {
		return nil, err
	}
	printed, err := s.raw(ctx, "show", "channels", "as", "json")
	if err != nil {
		return nil, err
	}
	all, err := readChannels(printed)
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for i := range all {
		there[all[i].ID] = true
	}
	asked := 0
	for _, id := range p.placed.list() {
		if there[id] || asked == maxMissing {
			continue
		}
		asked++
		c, err := s.dump(ctx, id)
		switch {
		case err == nil:
			all = append(all, c)
		case errors.Is(err, ringside.ErrNoChannel), errors.Is(err, ringside.ErrNotPermitted):
		default:
			return nil, err
		}
	}
	slices.SortStableFunc(all, func(a, b ringside.ChannelInfo) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID))
	})
	return all, nil
}
