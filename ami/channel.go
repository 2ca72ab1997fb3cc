package ami

import (
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// channel is what is known of one channel. Its fields are as Asterisk last said.
type channel struct {
	ringside.ChannelInfo
	// number is the extension that the device belongs to; empty if it is none.
	number string
	// call is the id of the call that the channel began in: Asterisk gives another one to calls that are
	// joined, and what is reported must go on to name the same call.
	call string
	// look is the latest look at all channels in which it was seen, or before which it began.
	look uint64
}

// channelState translates Asterisk's number of a state (include/asterisk/channelstate.h).
func channelState(n []byte) ringside.ChannelState {
	switch number(n) {
	case 0, 1, 2:
		return ringside.ChannelDown
	case 3:
		return ringside.ChannelDialing
	case 4:
		return ringside.ChannelRing
	case 5, 8, 9:
		return ringside.ChannelRinging
	case 6:
		return ringside.ChannelUp
	case 7:
		return ringside.ChannelBusy
	}
	return ringside.ChannelDown
}

// take puts what a message says into the channel. Names of headers are the same in events and in the
// items of CoreShowChannels and Status, but for the bridge's.
func (c *channel) take(m Message) {
	for name, value := range m.Headers() {
		switch string(name) {
		case "Channel":
			c.Name = string(value)
		case "ChannelState":
			c.State = channelState(value)
		case "CallerIDNum":
			c.Caller = party(value)
		case "CallerIDName":
			c.CallerName = party(value)
		case "ConnectedLineNum":
			c.Connected = party(value)
		case "ConnectedLineName":
			c.ConnectedName = party(value)
		case "Context":
			c.Context = string(value)
		case "Exten":
			c.Extension = string(value)
		case "Application":
			c.Application = string(value)
		case "ApplicationData", "AppData", "Data":
			c.Data = string(value)
		case "Uniqueid":
			c.ID = string(value)
		case "Linkedid":
			c.CallID = string(value)
		case "BridgeId", "BridgeID":
			c.Bridge = string(value)
		}
	}
	c.Endpoint = dialplan.Device(c.Name)
}

// lineCall is the channel's part in what is reported about its extension.
func (c *channel) lineCall() ringside.LineCall {
	return ringside.LineCall{CallID: c.call, Talking: c.State == ringside.ChannelUp, Since: c.Since}
}

// occurred is when Asterisk says that an event happened (timestampevents in manager.conf), else now.
func occurred(m Message, now time.Time) time.Time {
	if at := epoch(m.Get("Timestamp")); !at.IsZero() {
		return at
	}
	return now
}

// deviceState translates Asterisk's names of device states (main/devicestate.c).
func deviceState(s []byte) ringside.DeviceState {
	switch string(s) {
	case "NOT_INUSE":
		return ringside.DeviceIdle
	case "INUSE":
		return ringside.DeviceInUse
	case "BUSY":
		return ringside.DeviceBusy
	case "RINGING":
		return ringside.DeviceRinging
	case "RINGINUSE":
		return ringside.DeviceRingInUse
	case "ONHOLD":
		return ringside.DeviceOnHold
	case "UNAVAILABLE":
		return ringside.DeviceUnavailable
	case "INVALID":
		return ringside.DeviceInvalid
	}
	return ringside.DeviceUnknown
}
