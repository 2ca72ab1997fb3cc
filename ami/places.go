package ami

import (
	"fmt"
	"strings"

	"github.com/ringside-pbx/ringside"
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

const placeholder = "${number}"

// dialString is how a target is called.
func (p Places) dialString(t ringside.Target) (string, error) {
	return fill(t, p.Extension, p.External)
}

// exten is where in the context a call to the target goes.
func (p Places) exten(t ringside.Target) (string, error) {
	return fill(t, p.ExtensionAt, p.ExternalAt)
}

func fill(t ringside.Target, extension, external string) (string, error) {
	if !ringside.Dialable(t.Number) {
		return "", fmt.Errorf("%w: %q can't be dialled", ringside.ErrRefused, t.Number)
	}
	template := extension
	if t.Kind == ringside.ToExternal {
		template = external
	}
	if strings.Count(template, placeholder) != 1 {
		return "", fmt.Errorf("%w: there is no way to reach %s %s", ringside.ErrRefused, t.Kind, t.Number)
	}
	return strings.Replace(template, placeholder, t.Number, 1), nil
}
