package plan

import (
	"encoding/xml"
	"slices"
	"strconv"
	"strings"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

type attribute = xml.Attr

// maxPeers is how many are rung by one bridge; FreeSWITCH has room for 128.
const maxPeers = 100

func (s step) equal(other step) bool {
	return s.kind == other.kind && slices.Equal(s.targets, other.targets) && s.atOnce == other.atOnce &&
		s.seconds == other.seconds && s.cause == other.cause
}

// steps writes a plan as actions. A call that somebody has answered ends with the talk; one that nobody has goes on
// with the next action.
func (w *static) steps(steps []step, about ringside.Problem) {
	if slices.ContainsFunc(steps, func(s step) bool { return s.kind <= stepDial }) {
		w.action("set", "hangup_after_bridge=true")
		w.action("set", "continue_on_fail=true")
	}
	for _, s := range steps {
		switch s.kind {
		case stepRing:
			w.ring(s, about)
		case stepDial:
			w.dial(w.d.External, s.targets, ",", s.seconds, false)
		case stepVoicemail:
			w.action("answer", "")
			w.action("sleep", "500")
			w.action("voicemail", w.fill(w.d.Voicemail, s.targets[0]))
			w.action("hangup", "NORMAL_CLEARING")
		case stepSay:
			w.action("answer", "")
			w.action("sleep", "500")
			w.say(s.targets[0])
			w.action("hangup", "NORMAL_CLEARING")
		case stepHangup:
			w.action("hangup", s.cause)
		}
	}
}

// ring writes extensions that are rung at once or in turn.
func (w *static) ring(s step, about ringside.Problem) {
	separator := "|"
	if s.atOnce {
		separator = ","
		if len(s.targets) > maxPeers {
			about.Code, about.Text = "static-many", "FreeSWITCH rings no more than "+strconv.Itoa(maxPeers)+" at once: the others are rung after them"
			w.problem(about)
		}
	}
	for rest := s.targets; len(rest) > 0; {
		n := min(len(rest), maxPeers)
		w.dial(w.d.Extension, rest[:n], separator, s.seconds, true)
		rest = rest[n:]
	}
}

func (w *static) dial(template string, numbers []string, separator string, seconds int, phones bool) {
	targets := make([]string, 0, len(numbers))
	for _, n := range numbers {
		targets = append(targets, w.fill(template, n))
	}
	// What is sent before the answer must not count as one; what a trunk sends is heard.
	w.action("set", "ignore_early_media="+strconv.FormatBool(phones))
	w.action("set", "bridge_early_media="+strconv.FormatBool(!phones))
	w.action("set", "call_timeout="+strconv.Itoa(seconds)) // for each that is rung in turn
	w.action("bridge", strings.Join(targets, separator))
}

// fill puts a number into a template; one that can't be dialled makes the whole dialplan an error.
func (w *static) fill(template, number string) string {
	s, err := dialplan.Fill(template, number)
	if err != nil && w.err == nil {
		w.err = err
	}
	return s
}

// say writes an announcement: a sound's name, else a text that is spoken.
func (w *static) say(text string) {
	if playable(text) {
		if !strings.Contains(text[strings.LastIndexByte(text, '/')+1:], ".") {
			text += ".wav"
		}
		w.action("playback", text)
		return
	}
	w.action("speak", w.d.Speech+"|"+strings.ReplaceAll(plainText(text, maxSpeech), "|", ","))
}

// playable reports whether a text is a sound's name that can stand in FreeSWITCH's configuration.
func playable(text string) bool { return ringside.SoundName(text) && !preprocessed(text) }

// maxSpeech is the longest text that is spoken, in bytes.
const maxSpeech = 1000
