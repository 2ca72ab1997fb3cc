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

// user is what an address of the directory says may be an extension; empty if it can't be one.
func user(address string) string {
	if u := userPart(address); ringside.Dialable(u) {
		return u
	}
	return ""
}

// ours reports whether a number is an extension of ours, as far as is known now.
func (n numbering) ours(number string) bool {
	return number != "" && (n.known == nil || n.known(number))
}

// own is the extension that a user of the directory is; empty if it is none.
func (n numbering) own(address string) string {
	if u := user(address); n.ours(u) {
		return u
	}
	return ""
}

// of is the extension that an event's channel belongs to.
func (n numbering) of(e event) string {
	for _, number := range n.candidates(e) {
		if n.ours(number) {
			return number
		}
	}
	return ""
}

// likely is the extension that an event's channel belongs to, or would if it were known: the directory may be
// still to come.
func (n numbering) likely(e event) string {
	if number := n.of(e); number != "" {
		return number
	}
	for _, number := range n.candidates(e) {
		if number != "" {
			return number
		}
	}
	return ""
}

// candidates are the extensions that an event's channel may belong to, the likeliest first. dialed_user comes
// behind presence_id: FreeSWITCH sets it also on the channel that calls another user.
func (n numbering) candidates(e event) []string {
	name := e.get("Channel-Name")
	switch {
	case loopback(name):
		return nil
	case !e.outbound():
		return []string{user(e.variable("user_name")), user(e.variable("number_alias"))}
	}
	all := []string{user(e.variable("presence_id")), user(e.variable("dialed_user")), n.placed(name)}
	if e.agentOf() != "" {
		all = append(all, user(e.variable("cc_agent")))
	}
	return all
}

// placed is the extension whose dial string makes an outbound channel of that name.
func (n numbering) placed(channel string) string {
	before, after, ok := strings.Cut(n.dialled, dialplan.Placeholder)
	if !ok || !strings.HasPrefix(before, "sofia/") || len(channel) < len(before)+len(after) ||
		!strings.HasPrefix(channel, before) || !strings.HasSuffix(channel, after) {
		return ""
	}
	return user(channel[len(before) : len(channel)-len(after)])
}
