package esl

import (
	"cmp"
	"fmt"
	"path"
	"strings"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// Places say how numbers are reached, and where things lie on FreeSWITCH's machine.
type Places struct {
	// Extension and External are dial strings that hold ${number} once: user/${number},
	// sofia/gateway/trunk/${number}. Without External, outside numbers can't be dialled.
	Extension, External string
	// Ringback is what somebody hears while the other side of a call that ringside places is rung, such as
	// %(1000,4000,425); empty is silence.
	Ringback string
	// Recordings is the folder for recordings; empty is DefaultRecordings.
	Recordings string
}

// DefaultRecordings is the folder of FreeSWITCH's packages.
const DefaultRecordings = "/var/lib/freeswitch/recordings"

func (p Places) withDefaults() Places {
	p.Extension = cmp.Or(p.Extension, "user/"+dialplan.Placeholder)
	p.Recordings = cmp.Or(p.Recordings, DefaultRecordings)
	return p
}

// Validate returns everything that is wrong, each error with its field: dial.extension, dial.external,
// ringback, recordings.
func (p Places) Validate() (errs []error) {
	p = p.withDefaults()
	// Dial checks what both PBXs have in common; what is not there is not checked.
	const valid = dialplan.Placeholder
	for _, err := range (dialplan.Dial{Extension: p.Extension, External: cmp.Or(p.External, valid), Voicemail: valid}).Validate() {
		errs = append(errs, fmt.Errorf("dial.%w", err))
	}
	if strings.ContainsFunc(p.Ringback, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && !strings.ContainsRune("%(),;=.+-:/_ ", r)
	}) {
		errs = append(errs, fmt.Errorf("ringback: %q is no tone, such as %%(1000,4000,425)", p.Ringback))
	}
	if !path.IsAbs(p.Recordings) || path.Clean(p.Recordings) != p.Recordings || !dialplan.Word(strings.ReplaceAll(p.Recordings, "/", ""), 200) {
		errs = append(errs, fmt.Errorf("recordings: %q is no folder: it must begin with / and be of letters, digits and / . _ -", p.Recordings))
	}
	return errs
}

// dialString is how a target is called.
func (p Places) dialString(t ringside.Target) (string, error) {
	if t.Kind == ringside.ToExternal {
		return dialplan.Fill(p.External, t.Number)
	}
	return dialplan.Fill(p.Extension, t.Number)
}
