package main

import (
	"errors"
	"fmt"
	"os/user"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/control"
)

// usage marks a request that can't be meant as wrong usage.
func usage(err error) error {
	var invalid *ringside.InvalidError
	if errors.As(err, &invalid) {
		return exitError{exitUsage, err}
	}
	if errors.Is(err, ringside.ErrNoChannel) {
		return exitError{exitNotFound, err}
	}
	return err
}

// target reads whom to call: a number with a "+" or of more than six digits is one of the outer world, all
// others are extensions. The guard knows the directory and has the last word.
func target(text string) ringside.Target {
	digits := strings.TrimLeft(strings.TrimPrefix(text, "+"), "0123456789") == ""
	if strings.HasPrefix(text, "+") || digits && len(text) > 6 {
		return ringside.Target{Kind: ringside.ToExternal, Number: text}
	}
	return ringside.Target{Kind: ringside.ToExtension, Number: text}
}

// person is who sits at the command line, for limits and the log.
func person() string {
	u, err := user.Current()
	if err != nil {
		return "cli"
	}
	return u.Username
}

// act lets the daemon carry out a request and says that it is done.
func (p *program) act(do func(control.PBX) (string, error)) error {
	daemon, err := p.daemon()
	if err != nil {
		return err
	}
	done, err := do(daemon)
	if err != nil {
		return usage(err)
	}
	_, _ = fmt.Fprintln(p.out, done)
	return nil
}

type originateCmd struct {
	From     string            `arg:"" help:"Who is called first: an extension, or a number with its +."`
	To       string            `arg:"" help:"Whom they are connected with."`
	Ring     time.Duration     `help:"How long the first one is rung." default:"30s"`
	CallerID string            `help:"The number that the first one sees." name:"caller-id" placeholder:"NUMBER"`
	Set      map[string]string `help:"Channel variables." placeholder:"NAME=VALUE"`
	Async    bool              `help:"Don't wait for an answer."`
	JSON     bool              `help:"Print JSON." name:"json"`
}

// Run implements the command.
func (c *originateCmd) Run(p *program) error {
	daemon, err := p.daemon()
	if err != nil {
		return err
	}
	r := ringside.OriginateRequest{
		From: target(c.From), To: target(c.To), Ring: c.Ring, CallerID: c.CallerID, Async: c.Async, By: person(),
	}
	for name, value := range c.Set {
		r.Variables = append(r.Variables, ringside.Variable{Name: name, Value: value})
	}
	made, err := daemon.Originate(p.ctx, r)
	if err != nil {
		return usage(err)
	}
	return printOriginated(p, &made, c.From, c.JSON)
}

func printOriginated(p *program, made *ringside.Originated, who string, asJSON bool) error {
	if asJSON {
		return printJSON(p.out, made)
	}
	switch made.Status {
	case ringside.DialAnswered:
		_, _ = fmt.Fprintf(p.out, "%s has answered: %s\n", safe(who), safe(made.Channel))
	case "":
		_, _ = fmt.Fprintf(p.out, "%s is being called: %s\n", safe(who), safe(made.ID))
	default:
		return fmt.Errorf("%s was not reached: %s", safe(who), strings.ReplaceAll(string(made.Status), "_", " "))
	}
	return nil
}

type hangupCmd struct {
	Channel string `arg:"" help:"The channel, as 'ringside channels' names it."`
	Cause   int    `help:"The cause of Q.850 that the other side is told; 0 is a normal end."`
}

// Run implements the command.
func (c *hangupCmd) Run(p *program) error {
	return p.act(func(d control.PBX) (string, error) {
		return "Hung up.", d.Hangup(p.ctx, ringside.HangupRequest{Channel: c.Channel, Cause: ringside.HangupCause(c.Cause)})
	})
}

type transferCmd struct {
	Channel  string `arg:"" help:"The channel that is sent on; with --attended, that of the one who transfers."`
	To       string `arg:"" help:"Where to: an extension, or a number with its +."`
	Attended bool   `help:"Let the channel talk to the target first, and hand over by hanging up."`
}

// Run implements the command.
func (c *transferCmd) Run(p *program) error {
	return p.act(func(d control.PBX) (string, error) {
		err := d.Transfer(p.ctx, ringside.TransferRequest{Channel: c.Channel, To: target(c.To), Attended: c.Attended, By: person()})
		if c.Attended {
			return fmt.Sprintf("%s talks to %s first; hanging up hands the call over.", safe(c.Channel), safe(c.To)), err
		}
		return fmt.Sprintf("%s goes to %s.", safe(c.Channel), safe(c.To)), err
	})
}

type parkCmd struct {
	Channel string        `arg:"" help:"The channel to park."`
	Lot     string        `help:"The parking lot; the PBX's default without." placeholder:"NAME"`
	Timeout time.Duration `help:"How long; as the lot says without."`
}

// Run implements the command.
func (c *parkCmd) Run(p *program) error {
	return p.act(func(d control.PBX) (string, error) {
		parked, err := d.Park(p.ctx, ringside.ParkRequest{Channel: c.Channel, Lot: c.Lot, Timeout: c.Timeout})
		return fmt.Sprintf("Parked: dial %s to pick the call up (lot %s).", safe(parked.Space), safe(parked.Lot)), err
	})
}

type spyCmd struct {
	Listener string `arg:"" help:"The extension that listens."`
	Channel  string `arg:"" help:"The channel to listen to."`
	Mode     string `help:"listen, whisper or barge." default:"listen"`
	JSON     bool   `help:"Print JSON." name:"json"`
}

// Run implements the command.
func (c *spyCmd) Run(p *program) error {
	daemon, err := p.daemon()
	if err != nil {
		return err
	}
	made, err := daemon.Spy(p.ctx, ringside.SpyRequest{
		Listener: target(c.Listener), Channel: c.Channel, Mode: ringside.SpyMode(c.Mode), By: person(),
	})
	if err != nil {
		return usage(err)
	}
	return printOriginated(p, &made, c.Listener, c.JSON)
}

type dtmfCmd struct {
	Channel string        `arg:"" help:"The channel that the keys are pressed for."`
	Digits  string        `arg:"" help:"The keys: 0-9 * # A-D."`
	Length  time.Duration `help:"How long each key is pressed." default:"100ms"`
}

// Run implements the command.
func (c *dtmfCmd) Run(p *program) error {
	return p.act(func(d control.PBX) (string, error) {
		return "Pressed.", d.SendDTMF(p.ctx, ringside.DTMFRequest{Channel: c.Channel, Digits: c.Digits, Length: c.Length})
	})
}

type bridgeCmd struct {
	Channel string `arg:"" help:"One channel."`
	With    string `arg:"" help:"The other one. Whom they talked to is left."`
}

// Run implements the command.
func (c *bridgeCmd) Run(p *program) error {
	return p.act(func(d control.PBX) (string, error) {
		return "Connected.", d.Bridge(p.ctx, ringside.BridgeRequest{Channel: c.Channel, With: c.With})
	})
}

type muteCmd struct {
	Channel   string `arg:"" help:"The channel."`
	Direction string `help:"in (what it says), out (what it hears) or all." default:"in"`
	Off       bool   `help:"End the silence."`
}

// Run implements the command.
func (c *muteCmd) Run(p *program) error {
	return p.act(func(d control.PBX) (string, error) {
		return "Done.", d.Mute(p.ctx, ringside.MuteRequest{Channel: c.Channel, Direction: c.Direction, Off: c.Off})
	})
}

type recordCmd struct {
	Channel string `arg:"" help:"The channel."`
	Name    string `help:"The file's name without folder and ending; made of the time without." placeholder:"NAME"`
	Format  string `help:"wav or gsm." default:"wav"`
	Stop    bool   `help:"Stop the channel's recordings."`
}

// Run implements the command.
func (c *recordCmd) Run(p *program) error {
	return p.act(func(d control.PBX) (string, error) {
		if c.Stop {
			return "Stopped.", d.StopRecord(p.ctx, ringside.Recording{Channel: c.Channel})
		}
		r, err := d.Record(p.ctx, ringside.RecordRequest{Channel: c.Channel, Name: c.Name, Format: c.Format})
		return "Recording to " + safe(r.File) + " in the PBX's folder for recordings.", err
	})
}

type variableCmd struct {
	Channel string `arg:"" help:"The channel."`
	Name    string `arg:"" help:"The variable."`
	Value   string `arg:"" optional:"" help:"What it is set to; without, it is printed."`
}

// Run implements the command.
func (c *variableCmd) Run(p *program) error {
	return p.act(func(d control.PBX) (string, error) {
		if c.Value == "" {
			v, err := d.Variable(p.ctx, c.Channel, c.Name)
			return safe(v), err
		}
		return "Set.", d.SetVariable(p.ctx, c.Channel, ringside.Variable{Name: c.Name, Value: c.Value})
	})
}
