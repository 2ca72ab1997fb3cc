package ami

import (
	"strings"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// Places say how targets are reached. Each template holds ${number} once.
type Places struct {
	// Extension and External are dial strings: PJSIP/${number}, PJSIP/${number}@trunk.
	Extension, External string
	// Context is the part of the dialplan that calls are sent to, ExtensionAt and ExternalAt the
	// extensions in it: e${number}, o${number}.
	Context                 string
	ExtensionAt, ExternalAt string
}

// dialString is how a target is called.
func (p Places) dialString(t ringside.Target) (string, error) {
	return fill(t, p.Extension, p.External)
}

// exten is where in the context a call to the target goes.
func (p Places) exten(t ringside.Target) (string, error) {
	return fill(t, p.ExtensionAt, p.ExternalAt)
}

func fill(t ringside.Target, extension, external string) (string, error) {
	if t.Kind == ringside.ToExternal {
		return dialplan.Fill(external, t.Number)
	}
	return dialplan.Fill(extension, t.Number)
}

// device is Asterisk's name of an extension's device, in device states and channels' names: PJSIP/101.
func (p Places) device(number string) string {
	return strings.Replace(p.Extension, dialplan.Placeholder, number, 1)
}

// number is the extension that a device would belong to; empty if it is none by its name.
func (p Places) number(device string) string {
	before, after, ok := strings.Cut(p.Extension, dialplan.Placeholder)
	if !ok || len(device) < len(before)+len(after) || !strings.HasPrefix(device, before) || !strings.HasSuffix(device, after) {
		return ""
	}
	if n := device[len(before) : len(device)-len(after)]; ringside.Dialable(n) {
		return n
	}
	return ""
}
