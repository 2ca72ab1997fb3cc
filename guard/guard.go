package guard

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/calmlog"
)

// Directory is what a guard asks about a number.
type Directory interface {
	// Extension tells about one of the site's extensions; ok is false if there is none of that number.
	Extension(number string) (e Extension, ok bool)
	// Number reads a telephone number as the site's country writes it.
	Number(raw string) ringside.Number
}

// Extension is what an extension may do.
type Extension struct {
	Active bool
	// MayCallOut is can_make_external_calls of its account.
	MayCallOut bool
	// CallerID is external_caller_id of its account; empty for none.
	CallerID string
}

// Options are what a site allows. The zero value of each permits nothing.
type Options struct {
	// Control is the PBX's. Directory gives the directory in effect, nil while there is none.
	Control   ringside.CallControl
	Directory func() Directory
	// Allow and Deny are beginnings of telephone numbers in E.164, such as +7 or +99871. The longest that
	// fits decides, and at equal length Deny does.
	Allow, Deny []string
	// ExternalToExternal permits calls that connect two telephone numbers at the site's expense.
	ExternalToExternal bool
	// Variables are the channel variables that may be set, without their leading "_"; "CRM_*" is all that
	// begin with CRM_. Those that change where a call goes or who pays stay refused.
	Variables []string
	// Person limits each person and each extension, Total all of them together.
	Person, Total Limits
	// Live reports whether a channel, by the PBX's id of it, is still there. It says true while it can't
	// know, and answers at once.
	Live func(id string) bool
	// Log is told what was done and what was refused; nil discards it.
	Log *slog.Logger
	// Now is the clock; nil is the system's.
	Now func() time.Time
}

// Limits are how much may be dialled out.
type Limits struct {
	// PerMinute and PerHour count requests to dial out, whatever became of them.
	PerMinute, PerHour int
	// Concurrent are calls to the outside at one time.
	Concurrent int
}

// Guard is a ringside.CallControl that passes on what its site allows. It is safe for any number of goroutines.
type Guard struct {
	opt      Options
	prefixes prefixes
	now      func() time.Time
	log      *slog.Logger
	warn     *calmlog.Log
	outside  ledger
	refusals refusals
}

var _ ringside.CallControl = (*Guard)(nil)

// New makes a guard. The error tells every option that can't be meant, by the key of the configuration that
// it comes from.
func New(opt Options) (*Guard, error) {
	var errs []error
	if opt.Control == nil || opt.Directory == nil || opt.Live == nil {
		errs = append(errs, errors.New("a guard needs a PBX, a directory, and to know which channels are there"))
	}
	for _, list := range []struct {
		key   string
		texts []string
	}{{"outbound.allow", opt.Allow}, {"outbound.deny", opt.Deny}} {
		for i, text := range list.texts {
			if !Prefix(text) {
				errs = append(errs, fmt.Errorf("%s[%d]: %.40q is no beginning of a telephone number, such as +7", list.key, i, text))
			}
		}
	}
	for i, pattern := range opt.Variables {
		if !VariablePattern(pattern) {
			errs = append(errs, fmt.Errorf("outbound.variables[%d]: %.40q is no name of variables, such as CRM_*", i, pattern))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	return &Guard{
		opt: opt, prefixes: prefixes{allow: opt.Allow, deny: opt.Deny}, now: opt.Now, log: opt.Log, warn: calmlog.New(opt.Log),
		outside: ledger{person: opt.Person, total: opt.Total},
	}, nil
}
