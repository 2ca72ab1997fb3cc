package agi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialstatus"
)

// Dial is how targets become dial strings of Asterisk.
type Dial struct {
	// Extension and External are templates with ${number} for an extension (PJSIP/${number}) and
	// for an outside number (PJSIP/${number}@trunk); Voicemail is one for a mailbox
	// (${number}@default).
	Extension, External, Voicemail string
	// Options are Dial's option letters, such as tT.
	Options string
	// Speech is the application that speaks a text, such as Flite; empty for none.
	Speech string
}

// placeholder stands for the number in a template.
const placeholder = "${number}"

// Bounds, in bytes, so that every command fits: what does not fit in a dial string is not rung.
const (
	maxDialString = 640
	maxTemplate   = 160
	maxOptions    = 40
)

// Validate returns everything that is wrong with the templates, each error with its field.
func (d Dial) Validate() (errs []error) {
	for _, t := range []struct{ field, template string }{
		{"extension", d.Extension}, {"external", d.External}, {"voicemail", d.Voicemail},
	} {
		if err := checkTemplate(t.template); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", t.field, err))
		}
	}
	if len(d.Options) > maxOptions {
		errs = append(errs, fmt.Errorf("options: %d letters are too many", len(d.Options)))
	}
	for _, c := range d.Options {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			errs = append(errs, fmt.Errorf("options: %q is no option letter: options with arguments are not supported", c))
		}
	}
	if d.Speech != "" && !word(d.Speech, 40) {
		errs = append(errs, fmt.Errorf("speech: %q is no application's name", d.Speech))
	}
	return errs
}

func checkTemplate(template string) error {
	if strings.Count(template, placeholder) != 1 {
		return fmt.Errorf("%q must hold %s once", template, placeholder)
	}
	if len(template) > maxTemplate {
		return fmt.Errorf("a template has at most %d bytes, and this one has %d", maxTemplate, len(template))
	}
	for _, c := range strings.Replace(template, placeholder, "", 1) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.ContainsRune("/@_.:+-", c):
		default:
			return fmt.Errorf("%q holds %q: only letters, digits and / @ _ . : + - may stand around %s", template, c, placeholder)
		}
	}
	return nil
}

// String gives a target's dial string, or an error if its number is not ringside.Dialable.
func (d Dial) String(t ringside.Target) (string, error) {
	if !ringside.Dialable(t.Number) {
		return "", fmt.Errorf("%w: %q can't be dialled", ringside.ErrRefused, t.Number)
	}
	template := d.Extension
	if t.Kind == ringside.ToExternal {
		template = d.External
	}
	return strings.Replace(template, placeholder, t.Number, 1), nil
}

// Strings joins the dial strings of targets that are rung at once; those that do not fit in a
// command are left out, and dropped counts them.
func (d Dial) Strings(targets []ringside.Target) (joined string, dropped int, err error) {
	var b strings.Builder
	for i, t := range targets {
		s, err := d.String(t)
		if err != nil {
			return "", 0, err
		}
		if b.Len()+len(s)+1 > maxDialString {
			return b.String(), len(targets) - i, nil
		}
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(s)
	}
	return b.String(), 0, nil
}

// Of is a decision's dial string or mailbox; empty if it has none.
func (d Dial) Of(decision *ringside.Decision) (string, error) {
	switch decision.Action {
	case ringside.Voicemail:
		return d.mailbox(decision.Target)
	case ringside.Forward, ringside.Route:
		targets := decision.Dialled()
		if len(targets) == 0 {
			return "", fmt.Errorf("%w: there is nobody to dial", ringside.ErrRefused)
		}
		joined, _, err := d.Strings(targets)
		return joined, err
	}
	return "", nil
}

func (d Dial) mailbox(number string) (string, error) {
	if !ringside.Dialable(number) {
		return "", fmt.Errorf("%w: %q is no mailbox", ringside.ErrRefused, number)
	}
	return strings.Replace(d.Voicemail, placeholder, number, 1), nil
}

// Dial implements ringside.Channel.
func (c *channel) Dial(ctx context.Context, req ringside.DialRequest) (ringside.DialResult, error) {
	failed := ringside.DialResult{Status: ringside.DialFailed}
	targets, dropped, err := c.dial.Strings(req.Targets)
	switch {
	case err != nil:
		return failed, err
	case targets == "":
		return failed, fmt.Errorf("%w: there is nobody to dial", ringside.ErrRefused)
	}
	if dropped > 0 {
		c.log.Warn("not all members fit in one dial string", "call", req.CallID, "left out", dropped)
	}
	if req.CallerName != "" {
		if err := c.set(ctx, ringside.Variable{Name: "CALLERID(name)", Value: cut(req.CallerName, 80)}); err != nil && !errors.Is(err, ringside.ErrRefused) {
			return failed, err
		}
	}
	// Asterisk dials for a caller who has left, too: a phone would ring for a moment.
	if err := c.gone(ctx); errors.Is(err, ringside.ErrCallerGone) {
		return ringside.DialResult{Status: ringside.DialCancelled}, err
	}
	ring := max(1, int(req.Ring/time.Second))
	res, err := c.command(ctx, 0, "EXEC", "Dial", quote(targets+","+strconv.Itoa(ring)+","+c.options(req)))
	if err != nil {
		return failed, err
	}
	if res.Result == -2 {
		return failed, fmt.Errorf("%w: there is no application Dial", ringside.ErrRefused)
	}
	return c.dialled(ctx, req)
}

// options are Dial's options: music in place of ringing where it is asked for and for a caller from a
// queue, and the report of an answer where the dialplan has a place for it.
func (c *channel) options(req ringside.DialRequest) string {
	o := c.dial.Options
	if music := word(req.Music, 80); music || req.Waiting {
		o += "m"
		if music {
			o += "(" + req.Music + ")"
		}
	}
	if c.answer != "" && word(req.CallID, ringside.MaxCallID) {
		o += "U(" + c.answer + "^" + req.CallID + ")"
	}
	return o
}

// outcome is what Dial leaves behind; none of it can hold a line break.
const outcome = "${DIALSTATUS}|${ANSWEREDTIME}|${HANGUPCAUSE}|${URIENCODE(${DIALEDPEERNAME})}"

// dialled reads how an attempt ended. It is read from a channel that has been hung up, too.
func (c *channel) dialled(ctx context.Context, req ringside.DialRequest) (ringside.DialResult, error) {
	text, err := c.value(context.WithoutCancel(ctx), outcome)
	if err != nil {
		return ringside.DialResult{Status: ringside.DialFailed}, err
	}
	res, peer := parseOutcome(text)
	if i := slices.IndexFunc(req.Targets, func(t ringside.Target) bool { return t.Number == peer }); i >= 0 {
		res.Answered = req.Targets[i]
	} else if len(req.Targets) == 1 && res.Status == ringside.DialAnswered {
		res.Answered = req.Targets[0]
	}
	return res, nil
}

// maxTalk is the longest talk that is believed, in seconds: a year.
const maxTalk = 366 * 24 * 3600

// parseOutcome reads the outcome's text; peer is the endpoint that answered.
func parseOutcome(text string) (res ringside.DialResult, peer string) {
	f := strings.SplitN(text, "|", 4)
	for len(f) < 4 {
		f = append(f, "")
	}
	talk, _ := strconv.Atoi(f[1])
	cause, _ := strconv.Atoi(f[2])
	res.Status = dialstatus.Of(f[0])
	res.Cause = ringside.HangupCause(cause)
	if res.Status == ringside.DialAnswered {
		res.Talk = time.Duration(min(max(0, talk), maxTalk)) * time.Second
		peer = endpoint(strings.ReplaceAll(f[3], "%2F", "/"))
	}
	return res, peer
}
