// Package guard stands between whoever asks ringside to act on calls (a person at the command line, a web
// page, a CRM) and the PBX that would dial. It owns what this site allows to be dialled, who has dialled
// out lately, which of those calls are still there, and what was refused lately.
//
// It guarantees that no request that passes makes the PBX dial anything but an active extension of the
// directory, or a telephone number that begins with an allowed prefix and no more closely with a denied
// one; that the PBX is given the number in the form that was checked; and that nobody dials out more often
// or more at once than the limits say. What it can't tell is refused: no directory, no E.164 form, a channel that
// is not there.
//
// A refusal wraps ringside.ErrForbidden, says which key of the configuration would allow it, and is counted,
// kept for a while and logged as a warning, so that an attack is seen on its first evening. It knows nothing of
// calls that phones place on their own: those are the PBX's to limit.
package guard
