package esl

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

var _ ringside.CallControl = (*PBX)(nil)

// checkChannel refuses what names no channel of FreeSWITCH's.
func checkChannel(field, name string) error {
	if err := ringside.CheckChannel(field, name); err != nil {
		return err
	}
	if !IsChannel(name) {
		return &ringside.InvalidError{Field: field, Reason: fmt.Sprintf("%q is no channel's uuid", name)}
	}
	return nil
}

// Hangup implements ringside.CallControl.
func (p *PBX) Hangup(ctx context.Context, r ringside.HangupRequest) error {
	if err := firstError(r.Validate(), checkChannel("channel", r.Channel)); err != nil {
		return err
	}
	_, err := p.do(ctx, "uuid_kill", r.Channel, CauseName(r.Cause))
	return err
}

// firstError is the first error that there is.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Bridge implements ringside.CallControl. One of the two must have media already, and both must be there.
func (p *PBX) Bridge(ctx context.Context, r ringside.BridgeRequest) error {
	if err := firstError(r.Validate(), checkChannel("channel", r.Channel), checkChannel("with", r.With)); err != nil {
		return err
	}
	_, err := p.do(ctx, "uuid_bridge", r.Channel, r.With)
	if !errors.Is(err, ringside.ErrNoChannel) {
		return err
	}
	// FreeSWITCH says the same where neither is answered.
	for _, ch := range []string{r.Channel, r.With} {
		if there := p.exists(ctx, ch); there != nil {
			return there
		}
	}
	return fmt.Errorf("%w: uuid_bridge: neither channel is answered, or one of them ends", ringside.ErrRefused)
}

// exists gives ringside.ErrNoChannel for a channel that is not there.
func (p *PBX) exists(ctx context.Context, ch string) error {
	there, err := p.do(ctx, "uuid_exists", ch)
	if err == nil && there != "true" {
		err = fmt.Errorf("%w: %s", ringside.ErrNoChannel, ch)
	}
	return err
}

// SendDTMF implements ringside.CallControl. FreeSWITCH itself puts pauses between the keys.
func (p *PBX) SendDTMF(ctx context.Context, r ringside.DTMFRequest) error {
	if err := firstError(r.Validate(), checkChannel("channel", r.Channel)); err != nil {
		return err
	}
	length := r.Length
	if length == 0 {
		length = 100 * time.Millisecond
	}
	keys := fmt.Sprintf("%s@%d", strings.ToUpper(r.Digits), length.Milliseconds())
	_, err := p.do(ctx, "uuid_send_dtmf", r.Channel, keys)
	return err
}

// Mute implements ringside.CallControl.
func (p *PBX) Mute(ctx context.Context, r ringside.MuteRequest) error {
	if err := firstError(r.Validate(), checkChannel("channel", r.Channel)); err != nil {
		return err
	}
	sides := []string{"read"}
	switch r.Direction {
	case "out":
		sides = []string{"write"}
	case "all":
		sides = []string{"read", "write"}
	}
	// 1 is silence, 0 ends it; "stop" would end that of the other direction, too.
	level := "1"
	if r.Off {
		level = "0"
	}
	for _, side := range sides {
		if _, err := p.do(ctx, "uuid_audio", r.Channel, "start", side, "mute", level); err != nil {
			return err
		}
	}
	return nil
}

// Record implements ringside.CallControl. The file lies in the folder of Places.Recordings, on FreeSWITCH's
// machine.
func (p *PBX) Record(ctx context.Context, r ringside.RecordRequest) (ringside.Recording, error) {
	if err := firstError(r.Validate(), checkChannel("channel", r.Channel)); err != nil {
		return ringside.Recording{}, err
	}
	name, format := r.Name, r.Format
	if format == "" {
		format = "wav"
	}
	if name == "" {
		name = time.Now().Format("20060102-150405-") + r.Channel
	}
	file := name + "." + format
	if _, err := p.do(ctx, "uuid_record", r.Channel, "start", path.Join(p.opt.Places.Recordings, file)); err != nil {
		return ringside.Recording{}, err
	}
	return ringside.Recording{Channel: r.Channel, ID: file, File: file}, nil
}

// StopRecord implements ringside.CallControl. A recording's ID is its file's name.
func (p *PBX) StopRecord(ctx context.Context, r ringside.Recording) error {
	if err := checkChannel("channel", r.Channel); err != nil {
		return err
	}
	which := "all"
	if r.ID != "" {
		if !dialplan.Word(r.ID, maxFile) || r.ID[0] == '.' || r.ID[0] == '-' {
			return &ringside.InvalidError{Field: "id", Reason: "it is no recording's id"}
		}
		which = path.Join(p.opt.Places.Recordings, r.ID)
	}
	_, err := p.do(ctx, "uuid_record", r.Channel, "stop", which)
	return err
}

// maxFile is the longest name of a recording: that of a request, and an ending.
const maxFile = 100

// Variable implements ringside.CallControl.
func (p *PBX) Variable(ctx context.Context, channel, name string) (string, error) {
	if err := checkChannel("channel", channel); err != nil {
		return "", err
	}
	if !ringside.VariableName(name) {
		return "", &ringside.InvalidError{Field: "variable", Reason: "it is no variable's name"}
	}
	s, err := p.live()
	if err != nil {
		return "", err
	}
	return s.variable(ctx, channel, name)
}

// variable reads a variable. Its value may begin with -ERR, so only FreeSWITCH's very words are an error.
func (s *session) variable(ctx context.Context, channel, name string) (string, error) {
	const getvar = "uuid_getvar"
	value, err := s.raw(ctx, getvar, channel, name)
	switch {
	case err != nil:
		return "", err
	case value == "-ERR No such channel!\n":
		return "", problem(getvar, value)
	case value == "_undef_":
		return "", nil
	}
	return value, nil
}

// SetVariable implements ringside.CallControl. An empty value unsets the variable. Values lose "$", which
// begins an expression, and quotes and backslashes become others.
func (p *PBX) SetVariable(ctx context.Context, channel string, v ringside.Variable) error {
	if err := firstError(v.Validate(), checkChannel("channel", channel), checkVariables("variable", v)); err != nil {
		return err
	}
	return p.set(ctx, channel, v)
}

// set sets variables of a channel.
func (p *PBX) set(ctx context.Context, channel string, vars ...ringside.Variable) error {
	_, err := p.do(ctx, "uuid_setvar_multi", channel, assignments(vars))
	return err
}
