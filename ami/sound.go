package ami

import "bytes"

// seal is what every event that Asterisk broadcasts on a connection begins with. A caller can't know all
// of it where timestampevents and a systemname are set.
type seal struct {
	// stamped: events carry the time (timestampevents in manager.conf).
	stamped bool
	// system is Asterisk's own name, which events carry if it has one (systemname in asterisk.conf).
	system string
}

// maxForged is how much of the stream one caller's or called number can be: Asterisk keeps 79 bytes of it.
// Whoever puts line breaks into one has no more room for all that they make up.
const maxForged = 79

// sound reports whether an event can be Asterisk's own. Asterisk 16 and 22 write line breaks in a caller's
// or a called number into events as they are (recorded: hostile-numbers.txt), so that who calls can cut
// an event in two and write another one between the halves. What gives that away: an event that does not
// begin as Asterisk's do, a line without a name or with a lonely CR or LF, a header that comes twice or out
// of its place, a description of a channel that is not whole.
func (m Message) sound(s seal) bool { return m.sealed(s) && m.whole() }

// sealed reports whether an event begins as Asterisk's do.
func (m Message) sealed(s seal) bool {
	name, value, rest := cut(m.raw)
	if string(name) != "Event" || len(value) == 0 {
		return false
	}
	if string(value) == "FullyBooted" {
		return true // at the login it has neither
	}
	if name, _, rest = cut(rest); string(name) != "Privilege" {
		return false
	}
	name, value, rest = cut(rest)
	if string(name) == "Timestamp" {
		if !isTimestamp(value) {
			return false
		}
		name, value, _ = cut(rest)
	} else if s.stamped {
		return false
	}
	return s.system == "" || string(name) == "SystemName" && string(value) == s.system
}

// isTimestamp reports whether it is the time as Asterisk writes it, in full: that takes a forger's room.
func isTimestamp(b []byte) bool {
	point := bytes.IndexByte(b, '.')
	if point < 10 || len(b) != point+7 {
		return false
	}
	for i, c := range b {
		if i != point && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// block are the headers in which Asterisk describes a channel, always all of them and in this order
// (main/manager_channels.c), each with the same prefix, such as Dest.
var block = [...]string{ //nolint:gochecknoglobals // a table that nobody changes
	"Channel", "ChannelState", "ChannelStateDesc", "CallerIDNum", "CallerIDName", "ConnectedLineNum",
	"ConnectedLineName", "Language", "AccountCode", "Context", "Exten", "Priority", "Uniqueid", "Linkedid",
}

// form is what an event looks like that has headers of a channel's description outside of one: all these
// names, one after the other, in Asterisk 13 to 22.
type form struct {
	names []string
	// first: the names come right after the event's.
	first bool
}

var forms = map[string]*form{ //nolint:gochecknoglobals // a table that nobody changes
	"CEL": {names: []string{
		"EventName", "AccountCode", "CallerIDnum", "CallerIDname", "CallerIDani", "CallerIDrdnis", "CallerIDdnid",
		"Exten", "Context", "Channel", "Application", "AppData", "EventTime", "AMAFlags", "UniqueID", "LinkedID",
		"Userfield", "Peer", "PeerAccount", "Extra",
	}},
	"Cdr": {names: []string{
		"AccountCode", "Source", "Destination", "DestinationContext", "CallerID", "Channel", "DestinationChannel",
		"LastApplication", "LastData", "StartTime", "AnswerTime", "EndTime", "Duration", "BillableSeconds",
		"Disposition", "AMAFlags", "UniqueID", "UserField",
	}},
	"QueueEntry": {first: true, names: []string{
		"Queue", "Position", "Channel", "Uniqueid", "CallerIDNum", "CallerIDName", "ConnectedLineNum",
		"ConnectedLineName", "Wait", "Priority",
	}},
	"OriginateResponse": {names: []string{"Reason", "Uniqueid", "CallerIDNum", "CallerIDName"}},
	"Rename":            {names: []string{"Channel", "Newname", "Uniqueid"}},
	// A global variable; a channel's is described like other events.
	"VarSet": {names: []string{"Channel", "Uniqueid", "Variable", "Value"}},
	// These have more of a channel than its description.
	"Status":          {names: []string{"DNID", "EffectiveConnectedLineNum", "EffectiveConnectedLineName", "TimeToHangup"}},
	"CoreShowChannel": {names: []string{"Application", "ApplicationData", "Duration", "BridgeId"}},
}

// describesToo reports whether events of a name have both a description of a channel and their form.
func describesToo(event []byte) bool {
	return string(event) == "Status" || string(event) == "CoreShowChannel"
}

// outline is what a message looks like.
type outline struct {
	// whole: all lines can be Asterisk's.
	whole bool
	// opened: what is said of a channel began as Asterisk begins it, for which a forger has no room, and
	// nothing before that was wrong.
	opened bool
	// closed: what was said of a channel last is the end of its description, or of a row of CEL or Cdr. A
	// forger has no room for that and for anything of use after it.
	closed bool
}

// whole reports whether the message's lines can all be Asterisk's.
func (m Message) whole() bool { return m.outline().whole }

// outline looks at the message's lines.
func (m Message) outline() outline {
	w := reading{line: true}
	for rest := m.raw; len(rest) > 0; {
		line := rest
		var name, value []byte
		name, value, rest = cut(rest)
		// Asterisk always puts a blank behind the colon: a forger may not save it.
		if len(name) == 0 || broken(name) || broken(value) || len(line) <= len(name)+1 || line[len(name)+1] != ' ' {
			w.line = false
			continue
		}
		w.header(name, value)
	}
	return w.over()
}

// reading is how far a message has been looked at.
type reading struct {
	line bool // all lines are in order

	event        []byte
	form         *form
	formed       int    // how many of the form's names have come
	free         bool   // what comes is a dialplan's own
	last, before []byte // the names of the two headers before
	prefix       []byte // of the channel that is being described
	next         int    // of the block; 0: no channel is being described
	described    int    // channels
	strays       int    // headers of a description that are in none
	opened       bool
	closed       bool
	seen         names
}

func (w *reading) header(name, value []byte) {
	if w.event == nil && string(name) == "Event" {
		w.event, w.form = value, forms[string(value)]
	}
	describing := describes(name)
	w.follow(name, describing)
	switch {
	case w.next > 0:
		if !joined(name, w.prefix, block[w.next]) {
			w.line, w.next = false, 0
			break
		}
		w.next++
		w.opened = w.opened || w.next > 3 && w.line && w.strays == 0
		if w.next == len(block) {
			w.next = 0
			w.described++
		}
	case w.free:
	case bytes.HasSuffix(name, []byte("ChannelState")):
		w.prefix, w.next = name[:len(name)-len("ChannelState")], 2
		if !joined(w.last, w.prefix, block[0]) {
			w.line, w.next = false, 0
		}
	case describing:
		w.strays++
	}
	if !w.seen.add(name) && !w.free && !repeats(name) {
		w.line = false
	}
	w.before, w.last = w.last, name
	w.free = w.free || string(name) == "UserEvent" && string(w.event) == "UserEvent"
}

// follow keeps up with the event's form, and with the end of a description.
func (w *reading) follow(name []byte, describing bool) {
	if f := w.form; f != nil && w.formed < len(f.names) {
		if string(name) != f.names[w.formed] {
			w.formed = 0
		}
		if string(name) == f.names[w.formed] && (!f.first || w.formed > 0 || string(w.last) == "Event") {
			w.formed++
		}
		w.opened = w.opened || w.formed > 1 && w.line && w.strays == 0
	}
	switch prefix, ok := bytes.CutSuffix(name, []byte("Linkedid")); {
	case ok && joined(w.last, prefix, "Uniqueid") && joined(w.before, prefix, "Priority"),
		string(name) == "Extra" && string(w.last) == "PeerAccount" && string(w.before) == "Peer",
		string(name) == "UserField" && string(w.last) == "UniqueID" && string(w.before) == "AMAFlags":
		w.closed = true
	case describing && string(name) != "LinkedID": // a Cdr's may have this after its end
		w.closed = false
	}
}

func (w *reading) over() outline {
	whole := w.line && w.next == 0
	formed := w.form != nil && w.formed == len(w.form.names)
	switch {
	case describesToo(w.event):
		whole = whole && formed && w.described == 1
	case w.strays > 0, w.form != nil && string(w.event) != "VarSet":
		whole = whole && formed
	}
	return outline{whole: whole, opened: w.opened, closed: w.closed && w.next == 0}
}

// joined reports whether a name is made of a prefix and the rest.
func joined(name, prefix []byte, rest string) bool {
	return len(name) == len(prefix)+len(rest) && string(name[len(prefix):]) == rest && bytes.Equal(name[:len(prefix)], prefix)
}

// describes reports whether a name, in any case, is that of a header that describes a channel.
func describes(name []byte) bool {
	if len(name) < 8 {
		return false
	}
	switch name[len(name)-1] | 0x20 {
	case 'd': // Uniqueid, Linkedid
		return ends(name, "uniqueid") && !ends(name, "bridgeuniqueid") || ends(name, "linkedid")
	case 'm': // CallerIDNum, ConnectedLineNum
		return ends(name, "calleridnum") || ends(name, "connectedlinenum")
	case 'e': // CallerIDName, ConnectedLineName, ChannelState
		return ends(name, "calleridname") || ends(name, "connectedlinename") || ends(name, "channelstate")
	case 'c':
		return ends(name, "channelstatedesc")
	}
	return false
}

// ends reports whether a name, in any case, ends with what is given in small letters.
func ends(name []byte, with string) bool {
	n := len(name) - len(with)
	return n >= 0 && name[n]|0x20 == with[0] && bytes.EqualFold(name[n:], []byte(with))
}

// repeats reports whether a header may come as often as there are values.
func repeats(name []byte) bool {
	return string(name) == "Variable" || string(name) == "Output" || bytes.HasSuffix(name, []byte("ChanVariable"))
}

// names are those of a message's headers so far.
type names struct {
	all   [64][]byte
	n     int
	bloom uint64
}

// add notes a name and reports whether it is the first of it, in any case.
func (s *names) add(name []byte) bool {
	first := true
	bit := uint64(1) << ((uint(len(name))*7 + uint(name[0]|0x20)*3 + uint(name[len(name)-1]|0x20)) & 63)
	if s.bloom&bit != 0 {
		for _, other := range s.all[:s.n] {
			if bytes.EqualFold(other, name) {
				first = false
			}
		}
	}
	s.bloom |= bit
	if s.n < len(s.all) {
		s.all[s.n] = name
		s.n++
	}
	return first
}

// broken reports whether there is a line break of any kind in it.
func broken(b []byte) bool {
	return bytes.IndexByte(b, '\n') >= 0 || bytes.IndexByte(b, '\r') >= 0
}
