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

// Parts of the description of a channel, in their order, as bits.
const (
	hasChannel = 1 << iota
	hasState
	hasNumber
	hasName
	hasUnique
	hasLinked
)

// whole reports whether the message's lines can all be Asterisk's.
func (m Message) whole() bool {
	var (
		names [64][]byte
		n     int
		bloom uint64
		parts uint
		event []byte
	)
	for rest := m.raw; len(rest) > 0; {
		var name, value []byte
		name, value, rest = cut(rest)
		if len(name) == 0 || broken(name) || broken(value) {
			return false
		}
		switch string(name) {
		case "Event":
			if event != nil {
				return false
			}
			event = value
		case "Channel":
			parts |= hasChannel
		case "ChannelState":
			parts |= hasState
		case "CallerIDNum":
			parts |= hasNumber
		case "CallerIDName":
			parts |= hasName
		case "Uniqueid":
			parts |= hasUnique
		case "Linkedid":
			parts |= hasLinked
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
	return wholeChannel(event, parts)
}

// wholeChannel reports whether the description of a channel is all there or none of it.
func wholeChannel(event []byte, parts uint) bool {
	if parts&(hasNumber|hasName) == 0 {
		return true // whoever calls has no place in it
	}
	const block = hasChannel | hasState | hasNumber | hasName | hasUnique | hasLinked
	switch string(event) {
	case "OriginateResponse", "QueueEntry":
		return parts|hasState|hasLinked == block
	case "ConfbridgeList", "MCID", "AOC-D", "AOC-E", "AOC-S":
		return parts&hasNumber != 0
	}
	return parts == block
}

// broken reports whether there is a line break of any kind in it.
func broken(b []byte) bool {
	return bytes.IndexByte(b, '\n') >= 0 || bytes.IndexByte(b, '\r') >= 0
}
