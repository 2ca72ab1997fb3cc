package ringside

import "time"

// DeviceState is what a PBX says about a device.
type DeviceState string

// The states. A PBX that says nothing leaves DeviceUnknown, and the device is dialled.
const (
	DeviceUnknown     DeviceState = "unknown"
	DeviceIdle        DeviceState = "idle"
	DeviceInUse       DeviceState = "in_use"
	DeviceBusy        DeviceState = "busy"
	DeviceRinging     DeviceState = "ringing"
	DeviceRingInUse   DeviceState = "ring_in_use"
	DeviceOnHold      DeviceState = "on_hold"
	DeviceUnavailable DeviceState = "unavailable" // not registered, or away
	DeviceInvalid     DeviceState = "invalid"     // the PBX does not know it
)

// Engaged reports whether the device takes part in a call.
func (s DeviceState) Engaged() bool {
	switch s {
	case DeviceInUse, DeviceBusy, DeviceRinging, DeviceRingInUse, DeviceOnHold:
		return true
	}
	return false
}

// Presence is what the state tells of the device's being there.
func (s DeviceState) Presence() Presence {
	switch s {
	case DeviceUnknown, "":
		return PresenceUnknown
	case DeviceUnavailable, DeviceInvalid:
		return PresenceUnreachable
	}
	return PresenceReachable
}

// LineReport is all that a PBX knows about one extension's device at one moment.
type LineReport struct {
	Number string      `json:"number"`
	State  DeviceState `json:"state"`
	// Calls are the calls that the device takes part in, also those that ringside has not routed.
	Calls []LineCall `json:"calls,omitempty"`
	// At is when the PBX said so.
	At time.Time `json:"at"`
}

// LineCall is an extension's part in a call.
type LineCall struct {
	// CallID is the PBX's id of the call for which the device was rung or which it began, as in an Offer
	// of that call. It stays although a transfer joins the call with another.
	CallID string `json:"call_id"`
	// Talking: the device is connected; otherwise it rings or dials.
	Talking bool      `json:"talking"`
	Since   time.Time `json:"since,omitzero"`
}

// LineStatus is what is known of one extension at one moment.
type LineStatus struct {
	Number string `json:"number"`
	Name   string `json:"name,omitempty"`
	// Ringing and Talking count the calls that ringside itself has given to the extension, Reported those
	// that only the PBX tells of.
	Ringing  int `json:"ringing"`
	Talking  int `json:"talking"`
	Reported int `json:"reported"`
	// Busy: a ring group does not offer it a call.
	Busy     bool      `json:"busy"`
	Presence Presence  `json:"presence"`
	LastTalk time.Time `json:"last_talk,omitzero"`
	// Report is the PBX's latest word; nil if it has said nothing or can't be heard.
	Report *LineReport `json:"report,omitempty"`
}
