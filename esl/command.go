package esl

import (
	"fmt"
	"net/textproto"
	"strings"

	"github.com/percipia/eslgo/command"
	"github.com/percipia/eslgo/command/call"

	"github.com/ringside-pbx/ringside"
)

// This is the one place where commands are written. eslgo's builders put them together and check nothing,
// so every word is checked before: FreeSWITCH ends a command at a blank line, whatever is on the line
// before it.

// wireCommand is a command that may be sent.
type wireCommand string

// built ends a command.
func built(c command.Command) wireCommand { return wireCommand(c.BuildMessage() + "\r\n\r\n") }

// oneLine reports whether text may stand on a line of a command.
func oneLine(text string) bool { return !strings.ContainsAny(text, "\r\n\x00") }

// word reports whether text may be one word of a command: of printable ASCII.
func word(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// notSent is the error about something that can't be sent.
func notSent(what, text string) error {
	return fmt.Errorf("%w: %s %.80q can't be sent to FreeSWITCH", ringside.ErrRefused, what, text)
}

// maxID is the longest id of a channel that is taken. FreeSWITCH's own have 36 characters; a dialplan may
// choose others (origination_uuid).
const maxID = 64

// channelID reports whether s may be the id of a channel: of letters, digits and "-", "_", ".", so that it is
// one word in every command.
func channelID(s string) bool {
	if s == "" || len(s) > maxID {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return s[0] != '.'
}

func connectCommand() wireCommand  { return built(command.Connect{}) }
func exitCommand() wireCommand     { return built(command.Exit{}) }
func myEventsCommand() wireCommand { return built(command.MyEvents{Format: "plain"}) }

// lingerCommand keeps the connection for a while after the call has ended.
func lingerCommand() wireCommand { return wireCommand("linger " + lingerFor + "\r\n\r\n") }

// authCommand logs in; with a user it is that user's password (userauth user@domain:password).
func authCommand(user, password string) (wireCommand, error) {
	if !oneLine(password) || user != "" && (!word(user) || strings.Contains(user, ":")) {
		return "", fmt.Errorf("%w: the user's name or the password can't be sent to FreeSWITCH", ringside.ErrRefused)
	}
	return built(command.Auth{User: user, Password: password}), nil
}

// eventsCommand subscribes to events; those of a custom one's subclasses come last, behind CUSTOM.
func eventsCommand(names ...string) (wireCommand, error) {
	for _, n := range names {
		if !word(n) {
			return "", notSent("the event", n)
		}
	}
	return built(command.Event{Format: "plain", Listen: names}), nil
}

// filterCommand lets only events pass of which that header has that value.
func filterCommand(header, value string) (wireCommand, error) {
	for _, w := range []string{header, value} {
		if !word(w) {
			return "", notSent("the filter", w)
		}
	}
	return built(command.Filter{EventHeader: header, FilterValue: value}), nil
}

// apiCommand is a command of the console with its arguments, each of which must be written by the functions
// of quote.go or be one word. What runs programs, sets the switch's own state or expands variables is no
// command that ringside has a use for.
func apiCommand(name string, args ...string) (wireCommand, error) {
	if err := checkAPI(name, args); err != nil {
		return "", err
	}
	return built(command.API{Command: name, Arguments: strings.Join(args, " ")}), nil
}

// jobCommand is apiCommand in the background; the outcome comes as the event BACKGROUND_JOB with the id.
func jobCommand(id, name string, args ...string) (wireCommand, error) {
	if err := checkAPI(name, args); err != nil {
		return "", err
	}
	if !channelID(id) {
		return "", notSent("the job's id", id)
	}
	c := command.API{Command: name, Arguments: strings.Join(args, " "), Background: true}
	return wireCommand(c.BuildMessage() + "\r\nJob-UUID: " + id + "\r\n\r\n"), nil
}

func checkAPI(name string, args []string) error {
	switch name {
	case "status", "version", "uptime", "show", "sofia", "originate", "callcenter_config", "module_exists", "reloadxml",
		"uuid_answer", "uuid_audio", "uuid_break", "uuid_bridge", "uuid_broadcast", "uuid_dump", "uuid_exists", "uuid_getvar", "uuid_kill",
		"uuid_record", "uuid_send_dtmf", "uuid_setvar", "uuid_setvar_multi", "uuid_transfer":
	default:
		return notSent("the command", name)
	}
	for _, a := range args {
		if !oneLine(a) {
			return notSent("the argument", a)
		}
	}
	return nil
}

// executeCommand runs an application of the dialplan on the call of the connection; events about it bear the
// id as Application-UUID. The argument travels as a body, where it can't end the command.
func executeCommand(id, app, arg string) (wireCommand, error) {
	if !channelID(id) {
		return "", notSent("the id", id)
	}
	if !channelID(app) {
		return "", notSent("the application", app)
	}
	if !oneLine(arg) {
		return "", notSent("the argument", arg)
	}
	if arg == "" {
		m := command.SendMessage{Headers: textproto.MIMEHeader{
			"Call-Command": {"execute"}, "Execute-App-Name": {app}, "Event-Uuid": {id},
		}}
		return built(&m), nil
	}
	c := call.Execute{AppName: app, AppArgs: arg, AppUUID: id, ForceBody: true}
	// A body ends by its length.
	return wireCommand(c.BuildMessage()), nil
}

// hangupCommand ends the call of the connection.
func hangupCommand(cause ringside.HangupCause) wireCommand {
	return built(call.Hangup{Cause: CauseName(cause)})
}
