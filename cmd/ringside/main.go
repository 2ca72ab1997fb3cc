// Command ringside stands beside a PBX and decides where its calls go. This package knows every
// other one: flags, configuration and wiring, and nothing else. Its commands speak to the running
// daemon over the control socket, or work on files.
//
// Exit codes: 0 success; 1 the command failed; 2 wrong usage, configuration or directory file;
// 3 no daemon is running; 4 nothing was found (a call, a match); 5 the directory, the store or what
// the doctor examined has problems.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/ringside-pbx/ringside/control"
)

// version is set by the build (-X main.version=…).
var version = "0.1.0-dev"

// cli is the command line.
type cli struct {
	Config string `help:"Configuration file; without one, ${configDefault} is read if it exists." type:"path" env:"RINGSIDE_CONFIG" placeholder:"FILE" short:"c"`
	Socket string `help:"Control socket of the daemon, in place of the configuration's." type:"path" placeholder:"PATH"`

	Serve      serveCmd      `cmd:"" help:"Run the daemon."`
	Route      routeCmd      `cmd:"" help:"Explain where a call would go."`
	Check      checkCmd      `cmd:"" help:"Check a configuration or a directory."`
	Directory  directoryCmd  `cmd:"" help:"Load, show or compare directories."`
	Contacts   contactsCmd   `cmd:"" help:"Load contacts."`
	Calls      callsCmd      `cmd:"" help:"List, show or follow calls."`
	Call       callCmd       `cmd:"" help:"Place a call as Asterisk would, to try the daemon without a PBX."`
	Originate  originateCmd  `cmd:"" help:"Call somebody and connect them with somebody else." group:"calls"`
	Hangup     hangupCmd     `cmd:"" help:"End a channel of the PBX." group:"calls"`
	Transfer   transferCmd   `cmd:"" help:"Send a channel to another destination." group:"calls"`
	Park       parkCmd       `cmd:"" help:"Park a channel." group:"calls"`
	Spy        spyCmd        `cmd:"" help:"Listen to a channel, whisper to it, or join its talk." group:"calls"`
	Bridge     bridgeCmd     `cmd:"" help:"Connect two channels." group:"calls"`
	Dtmf       dtmfCmd       `cmd:"" help:"Press keys for a channel." group:"calls"`
	Mute       muteCmd       `cmd:"" help:"Silence a channel." group:"calls"`
	Record     recordCmd     `cmd:"" help:"Record a channel." group:"calls"`
	Variable   variableCmd   `cmd:"" help:"Read or set a channel's variable." group:"calls"`
	Lines      linesCmd      `cmd:"" help:"List the extensions: who is free, who talks, who is away." group:"pbx"`
	Channels   channelsCmd   `cmd:"" help:"List the PBX's channels." group:"pbx"`
	Queue      queueCmd      `cmd:"" help:"The PBX's own queues: figures, members." group:"pbx"`
	Health     healthCmd     `cmd:"" help:"A full report on the PBX." group:"pbx"`
	AMI        amiCmd        `cmd:"" name:"ami" help:"Asterisk's manager interface: try it, listen to it." group:"pbx"`
	ARI        ariCmd        `cmd:"" name:"ari" help:"Asterisk's REST interface: try it." group:"pbx"`
	ESL        eslCmd        `cmd:"" name:"esl" help:"FreeSWITCH's event socket: try it, listen to it." group:"pbx"`
	Doctor     doctorCmd     `cmd:"" help:"Examine all that stands between ringside and its PBX, and print the lines to change." group:"pbx"`
	Sync       syncCmd       `cmd:"" help:"The link with the CRM: its state, rejected records, comparison."`
	Status     statusCmd     `cmd:"" help:"Tell how the daemon is doing."`
	Store      storeCmd      `cmd:"" help:"Check or back up the store."`
	DemoCRM    demoCRMCmd    `cmd:"" name:"demo-crm" help:"Run a reference CRM, to try the link with and to develop a real one against."`
	Dialplan   dialplanCmd   `cmd:"" help:"Print the dialplan to paste into the PBX."`
	Completion completionCmd `cmd:"" help:"Print a shell's completion script."`
	Version    versionCmd    `cmd:"" help:"Print the version."`
}

// program is what every command runs with.
type program struct {
	ctx      context.Context
	cli      *cli
	model    *kong.Application
	out, err io.Writer
}

// exitError carries an exit code.
type exitError struct {
	code int
	error
}

func (e exitError) Unwrap() error { return e.error }

// The exit codes beside 0 and 1.
const (
	exitUsage    = 2
	exitNoDaemon = 3
	exitNotFound = 4
	exitProblems = 5
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run carries out one command line and returns the exit code.
func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	var c cli
	exited := -1
	parser, err := kong.New(&c,
		kong.Name("ringside"),
		kong.Description("Decides where a PBX's calls go, from rules held on this machine."),
		kong.UsageOnError(),
		kong.Writers(out, errOut),
		kong.Exit(func(code int) { exited = code }),
		kong.Groups{"calls": "Calls in progress (through the PBX)", "pbx": "The PBX"},
		kong.Vars{"configDefault": defaultConfigFile},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		_, _ = fmt.Fprintln(errOut, "ringside:", err)
		return 1
	}
	kctx, err := parser.Parse(args)
	if exited >= 0 { // help was asked for
		return exited
	}
	if err != nil {
		_, _ = fmt.Fprintln(errOut, "ringside:", err)
		_, _ = fmt.Fprintln(errOut, "Run 'ringside --help' to see the commands.")
		return exitUsage
	}
	p := &program{ctx: ctx, cli: &c, model: parser.Model, out: out, err: errOut}
	if err := kctx.Run(p); err != nil {
		return p.fail(err)
	}
	return 0
}

// fail prints an error and gives its exit code.
func (p *program) fail(err error) int {
	_, _ = fmt.Fprintln(p.err, "ringside:", err)
	var exit exitError
	switch {
	case errors.As(err, &exit):
		return exit.code
	case errors.Is(err, control.ErrNoDaemon):
		_, _ = fmt.Fprintln(p.err, "Start one with 'ringside serve', or name its socket with --socket.")
		return exitNoDaemon
	case errors.Is(err, control.ErrNotFound):
		return exitNotFound
	}
	return 1
}

// config loads the configuration that the command line names.
func (p *program) config() (*Config, error) {
	c, err := LoadConfig(p.cli.Config)
	if err != nil {
		return nil, exitError{exitUsage, err}
	}
	return c, nil
}

// daemon speaks to the running daemon.
func (p *program) daemon() (*control.Client, error) {
	if p.cli.Socket != "" {
		return control.NewClient(p.cli.Socket), nil
	}
	c, err := p.config()
	if err != nil {
		return nil, err
	}
	return control.NewClient(c.Control.Socket), nil
}
