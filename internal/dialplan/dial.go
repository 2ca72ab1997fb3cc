package dialplan

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/ringside-pbx/ringside"
)

// Dial is how targets become dial strings.
type Dial struct {
	// Extension and External are templates with ${number} for an extension (PJSIP/${number}) and
	// for an outside number (PJSIP/${number}@trunk); Voicemail is one for a mailbox
	// (${number}@default).
	Extension, External, Voicemail string
	// Options are Dial's option letters, such as tT.
	Options string
	// Speech is the application that speaks a text, such as Flite; empty for none.
	Speech string
	// Join stands between dial strings that are rung at once; empty is Asterisk's "&".
	Join string
}

// Placeholder stands for the number in a template.
const Placeholder = "${number}"

// Bounds, in bytes, so that every command fits: what does not fit in a dial string is not rung.
const (
	MaxDialString = 640
	MaxTemplate   = 160
	MaxOptions    = 40
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
	if len(d.Options) > MaxOptions {
		errs = append(errs, fmt.Errorf("options: %d letters are too many", len(d.Options)))
	}
	for _, c := range d.Options {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			errs = append(errs, fmt.Errorf("options: %q is no option letter: options with arguments are not supported", c))
		}
	}
	if d.Speech != "" && !Word(d.Speech, 40) {
		errs = append(errs, fmt.Errorf("speech: %q is no application's name", d.Speech))
	}
	return errs
}

func checkTemplate(template string) error {
	if strings.Count(template, Placeholder) != 1 {
		return fmt.Errorf("%q must hold %s once", template, Placeholder)
	}
	if len(template) > MaxTemplate {
		return fmt.Errorf("a template has at most %d bytes, and this one has %d", MaxTemplate, len(template))
	}
	for _, c := range strings.Replace(template, Placeholder, "", 1) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.ContainsRune("/@_.:+-", c):
		default:
			return fmt.Errorf("%q holds %q: only letters, digits and / @ _ . : + - may stand around %s", template, c, Placeholder)
		}
	}
	return nil
}

// String gives a target's dial string, or an error if its number is not ringside.Dialable.
func (d Dial) String(t ringside.Target) (string, error) {
	if t.Kind == ringside.ToExternal {
		return Fill(d.External, t.Number)
	}
	return Fill(d.Extension, t.Number)
}

// Fill puts a number into a template that holds Placeholder once. It is an error if the number is not
// ringside.Dialable.
func Fill(template, number string) (string, error) {
	if !ringside.Dialable(number) {
		return "", fmt.Errorf("%w: %q can't be dialled", ringside.ErrRefused, number)
	}
	if strings.Count(template, Placeholder) != 1 {
		return "", fmt.Errorf("%w: there is no way to reach %s", ringside.ErrRefused, number)
	}
	return strings.Replace(template, Placeholder, number, 1), nil
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
		if b.Len()+len(s)+1 > MaxDialString {
			return b.String(), len(targets) - i, nil
		}
		if i > 0 {
			b.WriteString(cmp.Or(d.Join, "&"))
		}
		b.WriteString(s)
	}
	return b.String(), 0, nil
}

// Of is a decision's dial string or mailbox; empty if it has none.
func (d Dial) Of(decision *ringside.Decision) (string, error) {
	switch decision.Action {
	case ringside.Voicemail:
		return d.Mailbox(decision.Target)
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

// Mailbox gives a number's mailbox, or an error if the number is not ringside.Dialable.
func (d Dial) Mailbox(number string) (string, error) {
	if !ringside.Dialable(number) {
		return "", fmt.Errorf("%w: %q is no mailbox", ringside.ErrRefused, number)
	}
	return strings.Replace(d.Voicemail, Placeholder, number, 1), nil
}
