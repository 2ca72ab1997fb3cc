package esl

import (
	"cmp"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// offer is what FreeSWITCH's data say of a call.
func offer(d fields, at time.Time) ringside.Offer {
	id := d.get("Unique-ID")
	callID := d.get("Channel-Call-UUID")
	if !channelID(callID) {
		callID = id
	}
	return ringside.Offer{
		PBX: "freeswitch", CallID: callID, Channel: id, Endpoint: endpoint(d),
		Caller: number(d.get("Caller-Caller-ID-Number")), CallerName: text(d.get("Caller-Caller-ID-Name")),
		Called: d.get("Caller-Destination-Number"), Context: d.get("Caller-Context"), At: at,
	}
}

// number is a caller's number; FreeSWITCH and carriers have words for a withheld one.
func number(s string) string {
	switch strings.ToLower(s) {
	case "anonymous", "unknown", "unavailable", "restricted", "0000000000":
		return ""
	}
	return dialplan.Cut(s, maxText)
}

// text is what somebody calls themselves.
func text(s string) string { return dialplan.Cut(s, maxText) }

// maxText is the longest text of a caller's choice that is kept, in bytes.
const maxText = 1024

// endpoint is the device or trunk that the call came from: the user that has proved to be one, else the
// gateway, else the profile of mod_sofia. A caller can choose none of them.
func endpoint(d fields) string {
	if e := cmp.Or(d.variable("user_name"), d.variable("sip_gateway"), d.variable("sofia_profile_name")); e != "" {
		return e
	}
	// loopback/7001-b
	name := d.get("Channel-Name")
	return strings.TrimSuffix(strings.TrimSuffix(name, "-a"), "-b")
}
