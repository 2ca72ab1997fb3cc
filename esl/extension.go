package esl

import (
	"strings"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// numbering tells which extension a channel belongs to, by what FreeSWITCH itself knows of it, and by nothing
// that a caller can choose: an inbound channel's name, its Caller-Username and its presence_id are made of
// the From header (sofia.c).
type numbering struct {
	// known reports whether a number is an extension of ours; nil: whatever may be one.
	known func(number string) bool
	// dialled is the dial string with which extensions are called, with ${number} in it. One that names no
	// user but an address (sofia/internal/${number}@10.0.0.5) is the name of the channels that it makes.
	dialled string
}

// own is the extension that a user of the directory is; empty if it is none.
func (n numbering) own(user string) string {
	user = userPart(user)
	if !ringside.Dialable(user) || n.known != nil && !n.known(user) {
		return ""
	}
	return user
}

// of is the extension that an event's channel belongs to.
func (n numbering) of(e event) string {
	if loopback(e.get("Channel-Name")) {
		return ""
	}
	if !e.outbound() {
		for _, name := range []string{"user_name", "number_alias"} {
			if number := n.own(e.variable(name)); number != "" {
				return number
			}
		}
		return ""
	}
	for _, name := range []string{"dialed_user", "presence_id"} {
		if number := n.own(e.variable(name)); number != "" {
			return number
		}
	}
	if number := n.placed(e.get("Channel-Name")); number != "" {
		return number
	}
	if e.agentOf() != "" {
		return n.own(e.variable("cc_agent"))
	}
	return ""
}

// placed is the extension whose dial string makes an outbound channel of that name.
func (n numbering) placed(channel string) string {
	before, after, ok := strings.Cut(n.dialled, dialplan.Placeholder)
	if !ok || !strings.HasPrefix(before, "sofia/") || len(channel) < len(before)+len(after) ||
		!strings.HasPrefix(channel, before) || !strings.HasSuffix(channel, after) {
		return ""
	}
	return n.own(channel[len(before) : len(channel)-len(after)])
}
