package agi

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/channeltest"
)

func TestChannelConforms(t *testing.T) {
	channeltest.Conform(t, channeltest.Door{PBX: "asterisk", Open: openDoor, Speaks: true})
}

// openDoor is a FastAGI server and an Asterisk that calls it for every line.
func openDoor(t *testing.T, serve channeltest.Serve, lines ...*channeltest.Line) (closed func()) {
	opt := Options{Deadline: time.Hour, Dial: templates}
	if lines[0].Speaks {
		opt.Dial.Speech = "Flite"
	}
	s := newSite(t, opt, &board{serve: serve})
	var calls sync.WaitGroup
	for _, l := range lines {
		ours, theirs := net.Pipe()
		s.pipes.Conns <- counted{ours, channeltest.Loopback(40000), new(atomic.Int64)}
		a := &interpreter{line: l, conn: theirs, vars: map[string]string{}}
		calls.Go(a.run)
	}
	return func() {
		s.stop()
		calls.Wait()
	}
}

// interpreter is Asterisk's side of one FastAGI call: it carries out the commands that come on the
// line's call. It was written from res_agi.c and from conversations with Asterisk 22 and 16.
type interpreter struct {
	line *channeltest.Line
	conn net.Conn
	// dead: ringside has been told that the caller has left. It is told after the reply to the
	// command that this broke off, or at once if none is being carried out.
	dead  bool
	vars  map[string]string
	cause int // of the Hangup application
}

// run carries out the call until ringside closes the connection or it breaks; then the dialplan goes on.
func (a *interpreter) run() {
	defer a.line.Continue()
	ended := make(chan struct{})
	commands := make(chan string)
	var others sync.WaitGroup
	defer others.Wait()
	defer a.conn.Close()
	defer close(ended)
	others.Go(func() {
		select {
		case <-a.line.Lost():
			_ = a.conn.Close()
		case <-ended:
		}
	})
	others.Go(func() {
		defer close(commands)
		r := bufio.NewReader(a.conn)
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			select {
			case commands <- strings.TrimSuffix(line, "\n"):
			case <-ended:
				return
			}
		}
	})
	if !a.say(a.environment()) {
		return
	}
	for {
		gone := a.line.Gone()
		if a.dead {
			gone = nil
		}
		select {
		case <-gone:
		case command, more := <-commands:
			if !more {
				return
			}
			a.line.Wire("> %s", command)
			reply := a.carryOut(parseArgs(command))
			if !a.line.Reply() {
				return
			}
			a.line.Wire("< %s", reply)
			if !a.say(reply + "\n") {
				return
			}
		}
		if a.line.Left() && !a.dead {
			a.dead = true
			a.line.Wire("< HANGUP")
			if !a.say("HANGUP\n") {
				return
			}
		}
	}
}

func (a *interpreter) say(text string) bool {
	_, err := io.WriteString(a.conn, text)
	return err == nil
}

// environment is written as Asterisk does: whatever the caller's name holds goes on the wire.
func (a *interpreter) environment() string {
	unknown := func(s string) string {
		if s == "" {
			return "unknown"
		}
		return s
	}
	return strings.NewReplacer(
		"agi_channel: PJSIP/trunk-", "agi_channel: PJSIP/"+a.line.Endpoint+"-",
		"agi_uniqueid: smp20060-1795402265.5", "agi_uniqueid: "+a.line.ID,
		"agi_callerid: 44201", "agi_callerid: "+unknown(a.line.Caller),
		"agi_calleridname: caller", "agi_calleridname: "+unknown(a.line.CallerName),
		"agi_dnid: 500", "agi_dnid: "+a.line.Called,
		"agi_extension: 500", "agi_extension: "+a.line.Called,
	).Replace(environment22("route?id=" + a.line.ID))
}

const (
	deadChannel = "511 Command Not Permitted on a dead channel or intercept routine"
	ok          = "200 result=0"
	failed      = "200 result=-1"
	noSuchApp   = "200 result=-2"
)

// carryOut carries out one command and returns the reply.
func (a *interpreter) carryOut(words []string) string {
	switch command := strings.Join(words[:min(2, len(words))], " "); {
	case words[0] == "NOOP":
		return ok
	case command == "GET FULL" && len(words) == 4 && words[2] == "VARIABLE":
		return "200 result=1 (" + a.expand(words[3]) + ")"
	case words[0] == "EXEC" && len(words) == 3:
		return a.exec(words[1], words[2])
	case a.dead: // what follows is not permitted on a channel that has been hung up
		return deadChannel
	case command == "ANSWER":
		if a.line.Left() {
			return failed
		}
		a.line.Answer()
		return ok
	case command == "STREAM FILE" && len(words) == 4:
		if !a.line.Hear(nil, "sound "+words[2]) {
			return failed + " endpos=0"
		}
		return a.unlessLeft() + " endpos=24000"
	case command == "SAY NUMBER" && len(words) == 4:
		a.line.Hear(nil, "number "+words[2])
		return a.unlessLeft()
	case command == "SET MUSIC" && len(words) == 4 && words[2] == "ON":
		a.line.Music(words[3])
		return ok
	case command == "SET MUSIC" && len(words) == 3 && words[2] == "OFF":
		a.line.Music("")
		return ok
	case command == "HANGUP":
		a.line.End(a.cause)
		return "200 result=1"
	}
	a.line.Fault("a command that Asterisk does not know: %q", words)
	return "510 Invalid or unknown command"
}

// unlessLeft is how a command ends that the caller's leaving breaks off.
func (a *interpreter) unlessLeft() string {
	if a.line.Left() {
		return failed
	}
	return ok
}

func (a *interpreter) exec(app, arg string) string {
	switch app {
	case "MSet":
		for _, v := range mset(arg) {
			if v.Name == "CALLERID(name)" {
				a.line.Shows(v.Value)
				continue
			}
			a.line.Set(v.Name, v.Value)
		}
		return ok
	case "Dial":
		return a.dialApp(separateArgs(arg, ',', 4))
	case "Hangup":
		a.cause, _ = strconv.Atoi(arg)
		return failed
	case "VoiceMail":
		box := separateArgs(arg, ',', 2)[0]
		a.vars["VMSTATUS"] = "FAILED"
		if a.line.Voicemail(strings.TrimSuffix(box, "@default")) {
			a.vars["VMSTATUS"] = "SUCCESS"
		}
		return a.unlessLeft()
	case "Flite":
		a.line.Answer() // as app_flite does
		a.line.Hear(nil, "text "+arg)
		return a.unlessLeft()
	}
	a.line.Fault("an application that Asterisk does not have: %s(%s)", app, arg)
	return noSuchApp
}

// dialApp is the application Dial, with music in place of ringing as its only option.
func (a *interpreter) dialApp(args []string) string {
	if len(args) < 2 || args[0] == "" {
		a.line.Fault("Dial with the arguments %q", args)
		return failed
	}
	ring, err := strconv.Atoi(args[1])
	if err != nil {
		a.line.Fault("Dial with the ring time %q", args[1])
	}
	if music := a.music(slices.Concat(args, []string{""})[2]); music != "" {
		a.line.Music(music)
		defer a.line.Music("")
	}
	var numbers []string
	for dialString := range strings.SplitSeq(args[0], "&") {
		number, _ := strings.CutPrefix(dialString, "PJSIP/")
		numbers = append(numbers, strings.TrimSuffix(number, "@trunk"))
	}
	res := a.line.Dial(numbers, time.Duration(ring)*time.Second, func(string) { a.line.Music("") })
	outcome := map[ringside.DialStatus][2]string{
		ringside.DialAnswered: {"ANSWER", "16"}, ringside.DialBusy: {"BUSY", "17"}, ringside.DialNoAnswer: {"NOANSWER", "19"},
		ringside.DialUnavailable: {"CHANUNAVAIL", "20"}, ringside.DialCancelled: {"CANCEL", "127"},
	}[res.Status]
	a.vars["DIALSTATUS"], a.vars["HANGUPCAUSE"] = outcome[0], outcome[1]
	a.vars["ANSWEREDTIME"], a.vars["DIALEDPEERNAME"] = "", ""
	if res.Status == ringside.DialAnswered {
		a.vars["ANSWEREDTIME"] = strconv.Itoa(int(res.Talk / time.Second))
		a.vars["DIALEDPEERNAME"] = fmt.Sprintf("PJSIP/%s-0000000a", res.Number)
		return failed // without the option g, Dial ends the dialplan
	}
	return a.unlessLeft()
}

// music is the class that Dial's options ask for; empty for the ringing tone.
func (a *interpreter) music(options string) string {
	for options != "" {
		letter, arg := options[0], ""
		options = options[1:]
		if strings.HasPrefix(options, "(") {
			arg, options, _ = strings.Cut(options[1:], ")")
		}
		switch {
		case letter == 'm' && arg == "":
			return "default"
		case letter == 'm':
			return arg
		default:
			a.line.Fault("Dial with the option %c(%s)", letter, arg)
		}
	}
	return ""
}

// expand puts variables in place of ${NAME} and ${URIENCODE(${NAME})}.
func (a *interpreter) expand(text string) string {
	var pairs []string
	for _, name := range []string{"DIALSTATUS", "ANSWEREDTIME", "HANGUPCAUSE", "DIALEDPEERNAME", "VMSTATUS"} {
		encoded := strings.ReplaceAll(a.vars[name], "/", "%2F")
		pairs = append(pairs, "${URIENCODE(${"+name+"})}", encoded, "${"+name+"}", a.vars[name])
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
