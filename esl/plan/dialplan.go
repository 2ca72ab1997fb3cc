package plan

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// Dialplan says how ringside's part of FreeSWITCH's dialplan is written.
type Dialplan struct {
	// Context is the context's name.
	Context string
	// Listen is where ringside listens for the application socket.
	Listen string
	// Fallback is the dial string of who is rung when ringside is away or no rule takes a call.
	Fallback string
	// Extension and External are templates with ${number}; without External, nobody outside can be dialled.
	Extension, External string
	// Voicemail is the argument of the application voicemail: the profile of mod_voicemail, the domain, which may
	// be ${domain}, and ${number}.
	Voicemail string
	// Speech is the engine and voice that speak texts, such as flite|kal; empty for none.
	Speech string
	// Now is when it is written: clocks may change by new laws.
	Now time.Time
}

// dialString is what the fallback may be: targets that are rung at once or in turn.
func dialString() *regexp.Regexp {
	const one = `[A-Za-z0-9_]+/[A-Za-z0-9_.+@/:-]+`
	return regexp.MustCompile(`^` + one + `(?:[,|]` + one + `)*$`)
}

// CheckFallback says what is wrong with a dial string for the fallback.
func CheckFallback(s string) error {
	if len(s) > dialplan.MaxDialString || !dialString().MatchString(s) || preprocessed(s) {
		return fmt.Errorf("%.80q is no dial string, such as user/100", s)
	}
	return nil
}

// Validate returns everything that is wrong, each error with its field.
func (d *Dialplan) Validate() (errs []error) {
	bad := func(field, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", field, fmt.Sprintf(format, args...)))
	}
	if !dialplan.Word(d.Context, 60) || preprocessed(d.Context) {
		bad("context", "%q is no name: use letters, digits and . _ -", d.Context)
	}
	if _, err := socketAddress(d.Listen); err != nil {
		bad("listen", "%s", err)
	}
	if err := CheckFallback(d.Fallback); err != nil {
		bad("fallback", "%s", err)
	}
	external := d.External
	if external == "" {
		external = d.Extension
	}
	mailbox := strings.NewReplacer("${domain}", "domain", " ", "@").Replace(d.Voicemail)
	errs = append(errs, dialplan.Dial{Extension: d.Extension, External: external, Voicemail: mailbox}.Validate()...)
	if len(strings.Fields(d.Voicemail)) != 3 {
		bad("voicemail", "%q is not the profile, the domain and %s", d.Voicemail, dialplan.Placeholder)
	}
	if preprocessed(d.Extension + d.External + d.Voicemail) {
		bad("extension", "a template can't hold the name of FreeSWITCH's preprocessor")
	}
	engine, voice, ok := strings.Cut(d.Speech, "|")
	if d.Speech != "" && (!ok || !dialplan.Word(engine, 40) || !dialplan.Word(voice, 40) || preprocessed(d.Speech)) {
		bad("speech", "%q is no engine and voice, such as flite|kal", d.Speech)
	}
	return errs
}

// preprocessed reports whether FreeSWITCH's preprocessor would drop a line with the text.
func preprocessed(s string) bool { return strings.Contains(strings.ToLower(s), "x-pre-process") }

// socketAddress is where FreeSWITCH reaches a listener on the same machine or, if that is given, another one.
func socketAddress(listen string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", fmt.Errorf("%.80q is no address, such as 127.0.0.1:8084", listen)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("%.80q has no port from 1 to 65535", listen)
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case host == "" || err == nil && ip.IsUnspecified():
		host = "127.0.0.1"
	case err == nil && !ip.Is4():
		// The application socket parts host and port at the last colon and knows no brackets.
		return ip.WithZone("").String() + ":" + port, nil
	case err != nil && !dialplan.Word(host, 200):
		return "", fmt.Errorf("%.80q is no address, such as 127.0.0.1:8084", listen)
	}
	return host + ":" + port, nil
}
