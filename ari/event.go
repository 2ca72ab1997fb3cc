package ari

import (
	"bytes"
	"fmt"

	"github.com/CyCoreSystems/ari/v6"
)

// decode reads an event; nil for one of a kind that ringside does not use. Asterisk 22 has kinds that the
// library does not know: they are no error.
func decode(frame []byte) (ari.Event, error) {
	if !wanted(kind(frame)) {
		return nil, nil
	}
	ev, err := ari.DecodeEvent(frame)
	if err != nil {
		return nil, fmt.Errorf("an event can't be read: %w", err)
	}
	return ev, nil
}

// wanted reports whether events of the kind are of use.
func wanted(kind string) bool {
	switch kind {
	case ari.Events.StasisStart, ari.Events.StasisEnd, ari.Events.Dial, ari.Events.ChannelStateChange,
		ari.Events.ChannelHangupRequest, ari.Events.ChannelDestroyed, ari.Events.PlaybackFinished,
		ari.Events.RecordingFinished, ari.Events.RecordingFailed, ari.Events.BridgeBlindTransfer, ari.Events.BridgeAttendedTransfer,
		ari.Events.ChannelVarset, ari.Events.ApplicationReplaced:
		return true
	}
	return false
}

// kind finds an event's type without reading all of it: most events of a busy PBX are of no use. The
// value is one that Asterisk wrote itself: a quote in a text that a caller chose is escaped, so that
// `"type":"` can't stand in one. Of nested objects that have a type of their own, none comes before the
// event's: Asterisk writes it first, or after the plain fields of StasisStart's kin. What it takes for a
// kind wrongly is decoded by the library, which looks at the right place.
func kind(frame []byte) string {
	const key = `"type":"`
	rest := frame
	for {
		i := bytes.Index(rest, []byte(key))
		if i < 0 {
			return ""
		}
		rest = rest[i+len(key):]
		end := bytes.IndexByte(rest, '"')
		if end < 0 {
			return ""
		}
		if k := string(rest[:end]); k != "" && k[0] >= 'A' && k[0] <= 'Z' {
			return k
		}
	}
}
