package ari

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/CyCoreSystems/ari/v6"
)

// decode reads an event; nil for one of a kind that ringside does not use. Asterisk 22 has kinds that the
// library does not know: they are no error. ari.DecodeEvent would read the frame once more for its kind.
func decode(frame []byte) (ari.Event, error) {
	k := kind(frame)
	ev := event(k)
	if ev == nil {
		return nil, nil
	}
	if err := json.Unmarshal(frame, ev); err != nil {
		return nil, fmt.Errorf("an event can't be read: %w", err)
	}
	if ev.GetType() != k {
		return nil, nil // an event of the dialplan's own, with a type in it
	}
	return ev, nil
}

// kinds are those that are of use: Asterisk is told to send no others. Of a call of a few seconds they are a
// third; most of the others tell that a variable was set.
func kinds() []string {
	return []string{
		ari.Events.StasisStart, ari.Events.StasisEnd, ari.Events.Dial, ari.Events.ChannelStateChange,
		ari.Events.ChannelHangupRequest, ari.Events.ChannelDestroyed, ari.Events.ChannelUserevent,
		ari.Events.PlaybackFinished, ari.Events.RecordingFinished, ari.Events.RecordingFailed,
		ari.Events.BridgeBlindTransfer, ari.Events.BridgeAttendedTransfer, ari.Events.ChannelHold, ari.Events.ChannelUnhold,
		ari.Events.BridgeDestroyed, ari.Events.ApplicationReplaced,
	}
}

// event is an empty event of a kind that is of use; nil for others.
func event(kind string) ari.Event {
	switch kind {
	case ari.Events.StasisStart:
		return new(ari.StasisStart)
	case ari.Events.StasisEnd:
		return new(ari.StasisEnd)
	case ari.Events.Dial:
		return new(ari.Dial)
	case ari.Events.ChannelStateChange:
		return new(ari.ChannelStateChange)
	case ari.Events.ChannelHangupRequest:
		return new(ari.ChannelHangupRequest)
	case ari.Events.ChannelDestroyed:
		return new(ari.ChannelDestroyed)
	case ari.Events.ChannelUserevent:
		return new(ari.ChannelUserevent)
	case ari.Events.PlaybackFinished:
		return new(ari.PlaybackFinished)
	case ari.Events.RecordingFinished:
		return new(ari.RecordingFinished)
	case ari.Events.RecordingFailed:
		return new(ari.RecordingFailed)
	case ari.Events.ChannelHold:
		return new(ari.ChannelHold)
	case ari.Events.ChannelUnhold:
		return new(ari.ChannelUnhold)
	case ari.Events.BridgeBlindTransfer:
		return new(ari.BridgeBlindTransfer)
	case ari.Events.BridgeAttendedTransfer:
		return new(ari.BridgeAttendedTransfer)
	case ari.Events.BridgeDestroyed:
		return new(ari.BridgeDestroyed)
	case ari.Events.ApplicationReplaced:
		return new(ari.ApplicationReplaced)
	}
	return nil
}

// kind finds an event's type without reading all of it: most events of a busy PBX are of no use. A quote in
// a text that a caller chose is escaped, so that `"type":"` can't stand in one; the keys of a UserEvent can
// be anything, which decode notices.
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
