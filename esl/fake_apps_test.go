package esl

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
)

func (b *board) ServeCall(ctx context.Context, ch ringside.Channel) {
	if b.serve != nil {
		b.serve(ctx, ch)
	}
}

func (b *board) Decide(o ringside.Offer, h ringside.Handover) (ringside.Decision, string) {
	if b.decide == nil {
		return ringside.Decision{Action: ringside.NotConfigured}, "test-1"
	}
	return b.decide(o, h)
}

// message carries out a sendmsg.
func (f *dialplanSwitch) message(m message) {
	if m.reply { // in sync mode it is the listener that carries it out
		f.hold()
		defer f.release()
		defer f.reply("Content-Type: command/reply\nReply-Text: +OK\n\n")
	}
	switch m.headers["call-command"] {
	case "hangup":
		f.mu.Lock()
		f.cause = m.headers["hangup-cause"]
		f.mu.Unlock()
		number, ok := map[string]int{
			"UNALLOCATED_NUMBER": 1, "NORMAL_CLEARING": 16, "USER_BUSY": 17, "NO_ANSWER": 19, "SUBSCRIBER_ABSENT": 20,
			"CALL_REJECTED": 21, "NORMAL_CIRCUIT_CONGESTION": 34,
		}[m.headers["hangup-cause"]]
		if !ok {
			f.line.Fault("the cause %q", m.headers["hangup-cause"])
		}
		f.line.End(number)
	case "execute":
		if f.line.Left() {
			return // the channel carries nothing out any more
		}
		f.execute(m.headers["event-uuid"], m.headers["execute-app-name"], m.body)
	default:
		f.line.Fault("the message %v", m.headers)
	}
}

// execute runs an application, and tells of its beginning and its end.
func (f *dialplanSwitch) execute(id, app, arg string) {
	about := []string{"Application", app, "Application-Data", arg, "Application-UUID", id}
	f.event("CHANNEL_EXECUTE", about...)
	response, known := f.app(app, arg)
	if !known {
		f.line.Fault("an application that FreeSWITCH does not have, for which it hangs up: %s(%s)", app, arg)
		f.line.End(27)
		return
	}
	if f.line.Left() {
		f.hangUp()
	}
	f.event("CHANNEL_EXECUTE_COMPLETE", append(about, "Application-Response", response)...)
}

func (f *dialplanSwitch) app(app, arg string) (response string, known bool) {
	response = "_none_"
	switch app {
	case "answer":
		f.line.Answer()
		f.event("CHANNEL_ANSWER")
	case "set":
		name, value, _ := strings.Cut(arg, "=")
		f.set(name, value)
	case "playback":
		response = f.playback(arg)
	case "say":
		number, ok := strings.CutPrefix(arg, "en number pronounced ")
		if !ok {
			f.line.Fault("say(%s)", arg)
		}
		f.interruptible(func(stop <-chan struct{}) { f.line.Hear(stop, "number "+number) })
	case "speak":
		parts := strings.SplitN(arg, "|", 3)
		f.interruptible(func(stop <-chan struct{}) { f.line.Hear(stop, "text "+parts[2]) })
	case "voicemail":
		box, ok := strings.CutPrefix(arg, "default ${domain} ")
		if !ok {
			f.line.Fault("voicemail(%s)", arg)
		}
		if len(f.line.Heard()) == 0 {
			f.line.Fault("voicemail for a caller who has not been answered")
		}
		if f.line.Voicemail(box) {
			f.set("voicemail_message_len", "00:00:10")
		}
	case "bridge":
		f.bridge(arg)
	default:
		return "", false
	}
	return response, true
}

// interruptible runs what uuid_break stops.
func (f *dialplanSwitch) interruptible(what func(stop <-chan struct{})) {
	f.mu.Lock()
	stop := make(chan struct{})
	f.stop = stop
	f.mu.Unlock()
	what(stop)
	f.mu.Lock()
	f.stop = nil
	f.mu.Unlock()
}

func (f *dialplanSwitch) playback(file string) (response string) {
	response = "FILE PLAYED"
	if class, ok := strings.CutPrefix(file, "local_stream://"); ok {
		f.interruptible(func(stop <-chan struct{}) {
			f.line.Music(class)
			defer f.line.Music("")
			var limit <-chan time.Time
			if n, err := strconv.Atoi(f.variable("playback_timeout_sec")); err == nil && n > 1 {
				limit = time.After(time.Duration(n)*time.Second + 13*time.Millisecond)
			}
			select {
			case <-stop:
			case <-limit:
				if f.variable("playback_timeout_as_success") != "true" {
					response = "PLAYBACK ERROR"
				}
			case <-f.line.Gone():
			case <-f.line.Lost():
			}
		})
		return response
	}
	name, ok := strings.CutSuffix(file, ".wav")
	if !ok || strings.ContainsAny(file, "\r\n\x00 ${}!:") {
		f.line.Fault("playback(%q)", file)
	}
	f.interruptible(func(stop <-chan struct{}) {
		if !f.line.Hear(stop, "sound "+name) {
			response = "FILE NOT FOUND"
		}
	})
	return response
}

var (
	legForm    = regexp.MustCompile(`^\[ringside_leg=([0-9+]+)\](?:user/|sofia/gateway/trunk/)([0-9+]+)$`)
	bridgeForm = regexp.MustCompile(`^\{([^{}]*)\}(.+)$`)
)

// bridge is the application bridge.
func (f *dialplanSwitch) bridge(arg string) {
	form := bridgeForm.FindStringSubmatch(arg)
	if form == nil {
		f.line.Fault("bridge(%s)", arg)
		return
	}
	options := map[string]string{}
	for _, o := range strings.Split(form[1], ",") {
		name, value, _ := strings.Cut(o, "=")
		options[name] = value
	}
	var numbers []string
	for _, leg := range strings.Split(form[2], ",") {
		parts := legForm.FindStringSubmatch(leg)
		if parts == nil || parts[1] != parts[2] {
			f.line.Fault("bridge to %q", leg)
			return
		}
		numbers = append(numbers, parts[1])
	}
	ring, err := strconv.Atoi(options["originate_timeout"])
	if err != nil {
		f.line.Fault("bridge with the options %v", options)
	}
	ringback := f.variable("ringback")
	if tone := f.variable("transfer_ringback"); tone != "" && len(f.line.Heard()) > 0 {
		ringback = tone
	}
	if class, ok := strings.CutPrefix(ringback, "local_stream://"); ok {
		f.line.Music(class)
		defer f.line.Music("")
	}
	if f.picker != "" {
		time.Sleep(time.Second)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.state, f.legs[pickersLeg], f.vars["originate_disposition"] = hibernating, f.picker, "PICKED_OFF"
		return
	}
	res := f.line.Dial(numbers, time.Duration(ring)*time.Second, func(number string) {
		f.line.Music("")
		id := fmt.Sprintf("leg-%s", number)
		f.mu.Lock()
		f.legs[id] = number
		f.vars["originate_disposition"] = "SUCCESS"
		f.mu.Unlock()
		// A phone may have registered under any name.
		f.event("CHANNEL_BRIDGE", "Other-Leg-Unique-ID", id, "Other-Leg-Channel-Name", "sofia/internal/"+number+"@127.0.0.1:5090",
			"Other-Leg-Destination-Number", number, "Other-Leg-Callee-ID-Number", "x")
	})
	disposition := map[ringside.DialStatus]string{
		ringside.DialAnswered: "SUCCESS", ringside.DialBusy: "USER_BUSY", ringside.DialNoAnswer: "NO_ANSWER",
		ringside.DialUnavailable: "USER_NOT_REGISTERED", ringside.DialCancelled: "ORIGINATOR_CANCEL",
	}[res.Status]
	f.mu.Lock()
	f.vars["originate_disposition"] = disposition
	delete(f.vars, "bridge_hangup_cause")
	if res.Status == ringside.DialAnswered {
		f.vars["bridge_hangup_cause"] = "NORMAL_CLEARING"
	}
	f.mu.Unlock()
	switch {
	case f.line.Left():
	case res.Status == ringside.DialAnswered && f.variable("hangup_after_bridge") != "false",
		res.Status != ringside.DialAnswered && f.variable("continue_on_fail") != "true":
		f.line.Fault("FreeSWITCH hangs the caller up after a bridge")
	}
}
