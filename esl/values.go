package esl

import (
	"bytes"
	"cmp"
	"strconv"
	"strings"
	"time"
)

// maxKept is the longest text that is kept of a channel, in bytes.
const maxKept = 256

// text is a decoded value as it is kept: of a sane length and printable.
func (f fields) text(name string) string { return kept(f.get(name)) }

func kept(s string) string {
	if len(s) > maxKept {
		s = strings.ToValidUTF8(s[:maxKept], "")
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}

// micros is a time that FreeSWITCH gives in microseconds since 1970; zero for 0, which is never.
func micros(v []byte) time.Time {
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil || n <= 0 || n > 1<<55 {
		return time.Time{}
	}
	return time.UnixMicro(n)
}

// epoch is a time in whole seconds since 1970; zero for 0, which is never.
func epoch(text string) time.Time {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || n <= 0 || n > 1<<35 {
		return time.Time{}
	}
	return time.Unix(n, 0)
}

// count is a whole number that is not negative; 0 for what is none.
func count(text string) int {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func (f fields) time(name string) time.Time {
	v, _ := f.raw(name)
	return micros(v)
}

// when is when an event happened: by FreeSWITCH's clock, or by ours if it does not tell.
func (e event) when() time.Time { return first(e.at(), time.Now()) }

// sequence counts FreeSWITCH's events; 0 if the event has no number.
func (e event) sequence() uint64 {
	n, _ := strconv.ParseUint(e.plain("Event-Sequence"), 10, 64)
	return n
}

// id is the channel that an event is about; empty if it can't be one.
func (e event) id() string { return e.channel("Unique-ID") }

// channel is a channel's id in a header.
func (e event) channel(name string) string {
	if s := e.get(name); channelID(s) {
		return s
	}
	return ""
}

func (e event) outbound() bool { return e.plain("Call-Direction") == "outbound" }

// dead reports whether the channel had been told to end when the event happened.
func (e event) dead() bool { return e.plain("Answer-State") == "hangup" }

// loopback reports whether a channel is half of a loopback, which only leads on.
func loopback(name string) bool { return strings.HasPrefix(name, "loopback/") }

// otherHalf is the id of a loopback channel's other half.
func (e event) otherHalf() string {
	if v, _ := e.raw("Channel-Name"); !bytes.HasPrefix(v, []byte("loopback/")) {
		return ""
	}
	return e.channel("variable_other_loopback_leg_uuid")
}

// agentOf is the channel of the caller in a queue for whom mod_callcenter has called the agent whose channel
// the event is about.
func (e event) agentOf() string {
	if e.plain("variable_cc_side") != "agent" {
		return ""
	}
	return e.channel("variable_cc_member_session_uuid")
}

// userPart is what stands before the "@" of an address.
func userPart(address string) string {
	user, _, _ := strings.Cut(address, "@")
	return user
}

// elements are the values of a variable that may have several.
func elements(value string) []string {
	if value == "" {
		return nil
	}
	rest, ok := strings.CutPrefix(value, "ARRAY::")
	if !ok {
		return []string{value}
	}
	return strings.Split(rest, "|:")
}

// first gives the first time that is one.
func first(times ...time.Time) time.Time { return cmp.Or(times...) }
