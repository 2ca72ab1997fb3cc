package ami

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

var _ ringside.CallControl = (*PBX)(nil)

// Hangup implements ringside.CallControl.
func (p *PBX) Hangup(ctx context.Context, r ringside.HangupRequest) error {
	if err := r.Validate(); err != nil {
		return err
	}
	if r.Cause == 0 {
		r.Cause = ringside.CauseNormal
	}
	_, err := p.do(ctx, NewAction("Hangup", "Channel", r.Channel, "Cause", fmt.Sprint(int(r.Cause))))
	return err
}

// Park implements ringside.CallControl.
func (p *PBX) Park(ctx context.Context, r ringside.ParkRequest) (ringside.Parked, error) {
	if err := r.Validate(); err != nil {
		return ringside.Parked{}, err
	}
	s, err := p.live()
	if err != nil {
		return ringside.Parked{}, err
	}
	if err := p.consults(ctx, s, r.Channel); err != nil {
		return ringside.Parked{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, p.opt.Login.Timeout)
	defer cancel()
	// The place comes as an event of its own, perhaps before the answer.
	parked := p.Watch(ctx, func(m Message) bool {
		return same(m.event(), "ParkedCall") && m.Get("ParkeeChannel") == r.Channel
	})
	a := NewAction("Park", "Channel", r.Channel, "Parkinglot", r.Lot, "AnnounceChannel", r.Announce)
	if r.Timeout > 0 {
		a = a.With("Timeout", fmt.Sprint(r.Timeout.Milliseconds()))
	}
	// Who had the call gets it back when nobody picks it up, and not the caller themselves.
	if peer, ok := p.channels.peer(r.Channel); ok {
		a = a.With("TimeoutChannel", peer)
	}
	if _, err := s.Do(ctx, a); err != nil {
		return ringside.Parked{}, err
	}
	m, ok := <-parked
	if !ok {
		return ringside.Parked{}, fmt.Errorf("%w: Asterisk did not say where the call is parked", ringside.ErrRefused)
	}
	return ringside.Parked{Lot: m.Get("Parkinglot"), Space: m.Get("ParkingSpace")}, nil
}

// Bridge implements ringside.CallControl.
func (p *PBX) Bridge(ctx context.Context, r ringside.BridgeRequest) error {
	if err := r.Validate(); err != nil {
		return err
	}
	_, err := p.do(ctx, NewAction("Bridge", "Channel1", r.Channel, "Channel2", r.With, "Tone", "no"))
	return err
}

// keyPause is between two keys, so that the other side tells them apart (ITU-T Q.24 asks for 40 ms).
const keyPause = 100 * time.Millisecond

// SendDTMF implements ringside.CallControl.
func (p *PBX) SendDTMF(ctx context.Context, r ringside.DTMFRequest) error {
	if err := r.Validate(); err != nil {
		return err
	}
	length := r.Length
	if length == 0 {
		length = 100 * time.Millisecond
	}
	for i, digit := range strings.ToUpper(r.Digits) {
		if i > 0 {
			pause := time.NewTimer(keyPause)
			select {
			case <-pause.C:
			case <-ctx.Done():
				pause.Stop()
				return fmt.Errorf("pressing key %d of %d: %w", i+1, len(r.Digits), context.Cause(ctx))
			}
		}
		a := NewAction("PlayDTMF", "Channel", r.Channel, "Digit", string(digit), "Duration", fmt.Sprint(length.Milliseconds()))
		if _, err := p.do(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// Mute implements ringside.CallControl.
func (p *PBX) Mute(ctx context.Context, r ringside.MuteRequest) error {
	if err := r.Validate(); err != nil {
		return err
	}
	state, direction := "on", r.Direction
	if r.Off {
		state = "off"
	}
	if direction == "" {
		direction = "in"
	}
	_, err := p.do(ctx, NewAction("MuteAudio", "Channel", r.Channel, "Direction", direction, "State", state))
	return err
}

// Record implements ringside.CallControl. The file lies in Asterisk's folder for recordings.
func (p *PBX) Record(ctx context.Context, r ringside.RecordRequest) (ringside.Recording, error) {
	if err := r.Validate(); err != nil {
		return ringside.Recording{}, err
	}
	format := r.Format
	if format == "" {
		format = "wav"
	}
	name := r.Name
	if name == "" {
		ch, ok := p.channels.named(r.Channel)
		if !ok {
			return ringside.Recording{}, fmt.Errorf("%w: %s", ringside.ErrNoChannel, r.Channel)
		}
		name = time.Now().Format("20060102-150405-") + dialplan.FileName(ch.ID)
	}
	file := name + "." + format
	_, err := p.do(ctx, NewAction("MixMonitor", "Channel", r.Channel, "File", file))
	if err != nil {
		return ringside.Recording{}, err
	}
	return ringside.Recording{Channel: r.Channel, File: file}, nil
}

// StopRecord implements ringside.CallControl. Asterisk tells no id of a recording over this interface:
// without one, all recordings of the channel are stopped.
func (p *PBX) StopRecord(ctx context.Context, r ringside.Recording) error {
	if err := ringside.CheckChannel("channel", r.Channel); err != nil {
		return err
	}
	if r.ID != "" && !ringside.Dialable(strings.TrimPrefix(r.ID, "0x")) {
		return &ringside.InvalidError{Field: "id", Reason: "it is no recording's id"}
	}
	stopped := false
	for range maxRecordings {
		_, err := p.do(ctx, NewAction("StopMixMonitor", "Channel", r.Channel, "MixMonitorID", r.ID))
		var refused *ActionError
		switch {
		case errors.As(err, &refused) && errors.Is(err, ringside.ErrRefused) && stopped:
			return nil // there is none left
		case err != nil:
			return err
		case r.ID != "":
			return nil
		}
		stopped = true
	}
	return nil
}

// maxRecordings bounds how many recordings of one channel are stopped at once.
const maxRecordings = 16

// Variable implements ringside.CallControl.
func (p *PBX) Variable(ctx context.Context, channel, name string) (string, error) {
	if err := ringside.CheckChannel("channel", channel); err != nil {
		return "", err
	}
	if !ringside.VariableName(name) {
		return "", &ringside.InvalidError{Field: "variable", Reason: "it is no variable's name"}
	}
	m, err := p.do(ctx, NewAction("Getvar", "Channel", channel, "Variable", name))
	if err != nil {
		return "", err
	}
	if v := m.Get("Value"); v != "(null)" {
		return v, nil
	}
	return "", nil
}

// SetVariable implements ringside.CallControl.
func (p *PBX) SetVariable(ctx context.Context, channel string, v ringside.Variable) error {
	if err := v.Validate(); err != nil {
		return err
	}
	if err := ringside.CheckChannel("channel", channel); err != nil {
		return err
	}
	_, err := p.do(ctx, NewAction("Setvar", "Channel", channel, "Variable", v.Name).With("Value", v.Value))
	return err
}

// Channel implements ringside.CallControl.
func (p *PBX) Channel(ctx context.Context, name string) (ringside.ChannelInfo, error) {
	if err := ringside.CheckChannel("channel", name); err != nil {
		return ringside.ChannelInfo{}, err
	}
	s, err := p.live()
	if err != nil {
		return ringside.ChannelInfo{}, err
	}
	known, found := p.channels.named(name)
	ch := channel{ChannelInfo: known}
	err = s.List(ctx, NewAction("Status", "Channel", name), func(m Message) {
		if same(m.event(), "Status") {
			ch.take(m)
			found = true
		}
	})
	if err == nil && !found {
		err = fmt.Errorf("%w: %s", ringside.ErrNoChannel, name)
	}
	return ch.ChannelInfo, err
}

// Channels implements ringside.CallControl. It asks Asterisk.
func (p *PBX) Channels(ctx context.Context) ([]ringside.ChannelInfo, error) {
	s, err := p.live()
	if err != nil {
		return nil, err
	}
	all := []ringside.ChannelInfo{}
	_, err = s.send(ctx, NewAction("CoreShowChannels"), &pending{
		each: func(m Message) {
			var ch channel
			ch.take(m)
			ch.Since = time.Now().Add(-clock(m.Get("Duration"))).Truncate(time.Second)
			all = append(all, ch.ChannelInfo)
		},
		// What a caller can't choose comes before what they can: the channel can be named, and hung up.
		odd: func(m Message) {
			name := m.Get("Channel")
			if ringside.ChannelName(name) {
				all = append(all, ringside.ChannelInfo{
					Name: name, Endpoint: dialplan.Device(name), State: channelState(m.find("ChannelState")),
					CallerName: "(line breaks in a number)",
				})
			}
		},
	})
	if err != nil {
		return nil, err
	}
	oldestFirst(all)
	return all, nil
}

// Live reports whether a channel with that unique id or name is still there, as far as events have told.
func (p *PBX) Live(id string) bool { return p.channels.live(id) }
