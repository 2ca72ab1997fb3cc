package ringside

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of what a request may ask for.
const (
	maxRing      = 5 * time.Minute
	maxParking   = 24 * time.Hour
	maxKeyPress  = 5 * time.Second
	maxDigits    = 32
	maxVariables = 32
	maxValue     = 512
	maxChannel   = 128
	maxNameBytes = 80
)

// ChannelName reports whether s may name a channel in a request: printable ASCII without blanks and
// without what separates, quotes or expands in a PBX's commands. It begins with a letter or digit: Asterisk
// takes /…/ for a pattern, of which Hangup ends all channels that match.
func ChannelName(s string) bool {
	return s != "" && len(s) <= maxChannel && alphanumeric(rune(s[0])) && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"'\\,&|^()$`{}<>[]%!=", r)
	})
}

// VariableName reports whether s may name a variable: a letter or "_", then letters, digits and "_". What
// calls a function of the PBX is none.
func VariableName(s string) bool {
	if s == "" || len(s) > maxNameBytes || s[0] >= '0' && s[0] <= '9' {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r != '_' && !alphanumeric(r) })
}

func alphanumeric(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// fileName reports whether s may name a recording: no folder, no hidden file, no option.
func fileName(s string) bool {
	if s == "" || len(s) > maxNameBytes || !alphanumeric(rune(s[0])) {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return !alphanumeric(r) && !strings.ContainsRune("_-.", r) })
}

// line reports whether s is text for one line: valid UTF-8 without control characters.
func line(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// CheckChannel gives an *InvalidError that names the field if there can be no channel of that name.
func CheckChannel(field, name string) error {
	if !ChannelName(name) {
		return invalid(field, "%.140q is no channel's name", name)
	}
	return nil
}

func (t Target) check(field string) error {
	if t.Kind != ToExtension && t.Kind != ToExternal {
		return invalid(field, "%.40q is neither %s nor %s", t.Kind, ToExtension, ToExternal)
	}
	if !Dialable(t.Number) {
		return invalid(field, "%.80q can't be dialled: letters, digits and _ . + - make up a number", t.Number)
	}
	return nil
}

func within(field string, d, most time.Duration) error {
	if d < 0 || d > most {
		return invalid(field, "%s is not between 0 and %s", d, most)
	}
	return nil
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Validate gives an *InvalidError for what can't be meant.
func (r OriginateRequest) Validate() error {
	if err := first(r.From.check("from"), r.To.check("to"), within("ring", r.Ring, maxRing)); err != nil {
		return err
	}
	if r.CallerID != "" && !Dialable(r.CallerID) {
		return invalid("caller_id", "%.80q is no number", r.CallerID)
	}
	if r.Presents != "" && !Dialable(r.Presents) {
		return invalid("presents", "%.80q is no number", r.Presents)
	}
	if !line(r.CallerName) || len(r.CallerName) > maxNameBytes || strings.ContainsAny(r.CallerName, `"<>\`) {
		return invalid("caller_name", "%.100q is no name: up to %d bytes without quotes and angle brackets", r.CallerName, maxNameBytes)
	}
	if len(r.Variables) > maxVariables {
		return invalid("variables", "%d are more than %d", len(r.Variables), maxVariables)
	}
	for _, v := range r.Variables {
		if err := v.check("variables"); err != nil {
			return err
		}
	}
	return nil
}

func (v Variable) check(field string) error {
	if !VariableName(v.Name) {
		return invalid(field, "%.100q is no variable's name", v.Name)
	}
	if !line(v.Value) || len(v.Value) > maxValue {
		return invalid(field, "the value of %s is not one line of up to %d bytes", v.Name, maxValue)
	}
	return nil
}

// Validate gives an *InvalidError for what can't be meant.
func (v Variable) Validate() error { return v.check("variable") }

// Validate gives an *InvalidError for what can't be meant.
func (r HangupRequest) Validate() error {
	if r.Cause < 0 || r.Cause > 127 {
		return invalid("cause", "%d is no cause of Q.850", r.Cause)
	}
	return CheckChannel("channel", r.Channel)
}

// Validate gives an *InvalidError for what can't be meant.
func (r TransferRequest) Validate() error {
	return first(CheckChannel("channel", r.Channel), r.To.check("to"))
}

// Validate gives an *InvalidError for what can't be meant.
func (r ParkRequest) Validate() error {
	if r.Lot != "" && !Dialable(r.Lot) {
		return invalid("lot", "%.80q is no parking lot's name", r.Lot)
	}
	if r.Announce != "" && !ChannelName(r.Announce) {
		return CheckChannel("announce", r.Announce)
	}
	return first(CheckChannel("channel", r.Channel), within("timeout", r.Timeout, maxParking))
}

// Validate gives an *InvalidError for what can't be meant.
func (r SpyRequest) Validate() error {
	switch r.Mode {
	case SpyListen, SpyWhisper, SpyBarge:
	default:
		return invalid("mode", "%.40q is none of listen, whisper, barge", r.Mode)
	}
	return first(CheckChannel("channel", r.Channel), r.Listener.check("listener"))
}

// Validate gives an *InvalidError for what can't be meant.
func (r BridgeRequest) Validate() error {
	if r.Channel == r.With {
		return invalid("with", "a channel can't be connected with itself")
	}
	return first(CheckChannel("channel", r.Channel), CheckChannel("with", r.With))
}

// Validate gives an *InvalidError for what can't be meant.
func (r DTMFRequest) Validate() error {
	if r.Digits == "" || len(r.Digits) > maxDigits || strings.Trim(r.Digits, "0123456789*#ABCDabcd") != "" {
		return invalid("digits", "%.40q are not 1 to %d of 0-9 * # A-D", r.Digits, maxDigits)
	}
	return first(CheckChannel("channel", r.Channel), within("length", r.Length, maxKeyPress))
}

// Validate gives an *InvalidError for what can't be meant.
func (r MuteRequest) Validate() error {
	switch r.Direction {
	case "", "in", "out", "all":
	default:
		return invalid("direction", "%.40q is none of in, out, all", r.Direction)
	}
	return CheckChannel("channel", r.Channel)
}

// Validate gives an *InvalidError for what can't be meant.
func (r RecordRequest) Validate() error {
	if r.Name != "" && !fileName(r.Name) {
		return invalid("name", "%.100q is no file name of letters, digits, _ - and .", r.Name)
	}
	switch r.Format {
	case "", "wav", "gsm":
	default:
		return invalid("format", "%.40q is neither wav nor gsm", r.Format)
	}
	return CheckChannel("channel", r.Channel)
}
