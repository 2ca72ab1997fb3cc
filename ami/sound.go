package ami

import "bytes"

// seal is what every event that Asterisk broadcasts on a connection begins with. A caller can't know all
// of it where timestampevents and a systemname are set, and has no room for it elsewhere: Asterisk keeps
// at most 79 bytes of a number.
type seal struct {
	// stamped: events carry the time (timestampevents in manager.conf).
	stamped bool
	// system is Asterisk's own name, which events carry if it has one (systemname in asterisk.conf).
	system string
}

// sound reports whether an event can be Asterisk's own. Asterisk 16 and 22 write line breaks in a caller's
// or a called number into events as they are (recorded: hostile-numbers.txt), so that who calls can cut
// an event in two and write another one between the halves. What gives that away: an event that does not
// begin as Asterisk's do, a line without a name or with a lonely CR or LF, a header that comes twice, a
// description of a channel that is not whole.
func (m Message) sound(s seal) bool {
	name, value, rest := cut(m.raw)
	if string(name) != "Event" || len(value) == 0 {
		return false
	}
	login := string(value) == "FullyBooted"
	if name, _, rest = cut(rest); string(name) != "Privilege" && !login {
		return false
	}
	if !login {
		name, value, rest = cut(rest)
		if string(name) == "Timestamp" {
			name, value, _ = cut(rest)
		} else if s.stamped {
			return false
		}
		if s.system != "" && (string(name) != "SystemName" || string(value) != s.system) {
			return false
		}
	}
	return m.whole()
}

// whole reports whether the message's lines can all be Asterisk's.
func (m Message) whole() bool {
	var (
		names    [64][]byte
		n        int
		bloom    uint64
		own, far description
		event    []byte
	)
	for rest := m.raw; len(rest) > 0; {
		var name, value []byte
		name, value, rest = cut(rest)
		if len(name) == 0 || broken(name) || broken(value) {
			return false
		}
		if string(name) == "Event" {
			if event != nil {
				return false
			}
			event = value
		}
		if dest := bytes.TrimPrefix(name, []byte("Dest")); len(dest) < len(name) {
			far.add(dest)
		} else {
			own.add(name)
		}
		switch string(name) {
		case "Variable", "ChanVariable", "Output":
			continue // these come as often as there are values
		}
		bit := uint64(1) << ((uint(len(name))*7 + uint(name[0])*3 + uint(name[len(name)-1])) & 63)
		if bloom&bit != 0 {
			for _, other := range names[:n] {
				if bytes.EqualFold(other, name) {
					return false
				}
			}
		}
		bloom |= bit
		if n < len(names) {
			names[n] = name
			n++
		}
	}
	return own.whole(event) && far.whole(event) && m.complete(string(event))
}

// description are the parts of a channel's description that an event has.
type description struct {
	seen, last int
	disordered bool
}

// blockParts is the order in which Asterisk describes a channel (main/manager_channels.c), since 12. The
// numbers are a caller's to choose; what follows them can't be left out by a caller who cuts an event.
const blockParts = 14

func blockPart(name []byte) int {
	switch string(name) {
	case "Channel":
		return 1
	case "ChannelState":
		return 2
	case "ChannelStateDesc":
		return 3
	case "CallerIDNum":
		return 4
	case "CallerIDName":
		return 5
	case "ConnectedLineNum":
		return 6
	case "ConnectedLineName":
		return 7
	case "Language":
		return 8
	case "AccountCode":
		return 9
	case "Context":
		return 10
	case "Exten":
		return 11
	case "Priority":
		return 12
	case "Uniqueid":
		return 13
	case "Linkedid":
		return 14
	}
	return 0
}

func (d *description) add(name []byte) {
	part := blockPart(name)
	if part == 0 {
		return
	}
	d.disordered = d.disordered || part < d.last
	d.last = part
	d.seen |= 1 << part
}

func (d *description) has(parts ...int) bool {
	for _, part := range parts {
		if d.seen&(1<<part) != 0 {
			return true
		}
	}
	return false
}

// whole reports whether the description is all there and in order, or not begun.
func (d *description) whole(event []byte) bool {
	const all = 1<<(blockParts+1) - 2
	switch {
	case string(event) == "QueueEntry": // an item of a list: it has an ActionID that nobody can guess
		return true
	case d.seen == all:
		return !d.disordered
	case d.has(2, 3, 6, 7, 14):
		return false // it is begun, and a part is missing
	case d.has(4, 5), d.has(13) && !d.has(1):
		// A few events tell of a caller without describing the channel.
		switch string(event) {
		case "OriginateResponse":
			return d.has(1) && d.has(4) && d.has(5) && d.has(13)
		case "ConfbridgeList", "MCID", "AOC-D", "AOC-E", "AOC-S":
			return d.has(1)
		}
		return false
	}
	return true
}

// complete reports whether an event that ringside acts on has what Asterisk's own always have, and no part
// of an event about a call that it does not belong to.
func (m Message) complete(event string) bool {
	needs := func(names ...string) bool {
		for _, name := range names {
			if !m.Has(name) {
				return false
			}
		}
		return true
	}
	switch event {
	case "Cdr":
		return needs("Source", "Destination", "DestinationContext", "CallerID", "Channel", "LastApplication", "StartTime", "EndTime", "Duration", "Disposition", "UniqueID")
	case "CEL":
		return needs("EventName", "CallerIDnum", "CallerIDname", "Exten", "Context", "Channel", "EventTime", "UniqueID", "LinkedID")
	}
	for _, name := range []string{"UniqueID", "LinkedID", "CallerID", "CallerIDnum", "CallerIDname", "DestinationContext", "AMAFlags"} {
		if m.spelled(name) {
			return false
		}
	}
	switch event {
	case "DialBegin", "DialState", "DialEnd":
		return needs("DestChannelState", "DestConnectedLineName", "DestLinkedid")
	case "DeviceStateChange":
		return needs("Device", "State") && len(m.ends().lines) <= 6
	case "ParkedCall", "UnParkedCall", "ParkedCallTimeOut", "ParkedCallGiveUp", "ParkedCallSwap":
		return needs("ParkeeChannel", "ParkeeChannelState", "ParkeeConnectedLineName", "ParkeeLinkedid", "Parkinglot", "ParkingSpace")
	case "BlindTransfer":
		return needs("Result", "TransfererChannelState", "TransfererConnectedLineName", "TransfererLinkedid", "Context", "Extension")
	case "AttendedTransfer":
		return needs("Result", "OrigTransfererChannelState", "OrigTransfererConnectedLineName", "OrigTransfererLinkedid", "DestType")
	case "BridgeMerge":
		return needs("ToBridgeUniqueid", "ToBridgeType", "ToBridgeNumChannels", "FromBridgeUniqueid", "FromBridgeType", "FromBridgeNumChannels")
	case "BridgeEnter", "BridgeLeave", "Hangup", "Newchannel", "Newstate", "Rename", "QueueCallerJoin", "QueueCallerLeave", "QueueCallerAbandon":
		return event == "Rename" || needs("Linkedid")
	case "QueueMemberStatus", "QueueMemberPause", "QueueMemberPenalty", "QueueMemberRinginuse", "QueueMemberAdded", "QueueMemberRemoved":
		return needs("Queue", "Interface", "StateInterface", "Membership", "CallsTaken", "Paused", "Wrapuptime") && !m.Has("Uniqueid")
	case "AgentConnect":
		return needs("Linkedid", "DestLinkedid", "Queue", "Interface")
	case "AgentComplete": // the agent's channel may be gone
		return needs("Linkedid", "Queue", "Interface", "TalkTime")
	}
	return true
}

// spelled reports whether there is a header of exactly that name.
func (m Message) spelled(name string) bool {
	for n := range m.Headers() {
		if string(n) == name {
			return true
		}
	}
	return false
}

// broken reports whether there is a line break of any kind in it.
func broken(b []byte) bool {
	return bytes.IndexByte(b, '\n') >= 0 || bytes.IndexByte(b, '\r') >= 0
}
