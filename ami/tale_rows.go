package ami

import (
	"slices"

	"github.com/ringside-pbx/ringside"
)

// rowLegs finds the leg that each row is about, and makes one of a row that tells of an attempt which no
// event told of.
func (t *teller) rowLegs() {
	for i := range t.rows {
		r := &t.rows[i]
		if d := t.about(r); d != nil {
			d.row = r
			continue
		}
		switch {
		case r.dest != "":
		case r.app == "VoiceMail":
			t.legs = append(t.legs, draft{row: r, own: r.id, Leg: ringside.Leg{
				Kind: ringside.LegVoicemail, Targets: []string{mailbox(r.data)}, Start: r.start, Answer: r.answer, End: r.end, Result: ringside.StayDone,
			}})
		case r.app == "Dial" && !r.answered() && !t.dialledIn(r):
			t.legs = append(t.legs, draft{row: r, own: r.id, Leg: ringside.Leg{
				Kind: ringside.LegDial, Targets: t.dialledTo(r.data), Start: r.start, End: r.end, Result: string(t.failed(r)),
			}})
		}
	}
}

// failed is the result of an attempt that reached no channel.
func (t *teller) failed(r *row) ringside.DialStatus {
	if r.disposition == "FAILED" {
		if p := t.channel(r.id); p != nil {
			return byCause(p.cause, ringside.DialFailed)
		}
	}
	return r.result()
}

func (t *teller) channel(id string) *part {
	for _, p := range t.parts {
		if p.id == id {
			return p
		}
	}
	return nil
}

// dialledIn reports whether the row's channel called somebody in its time.
func (t *teller) dialledIn(r *row) bool {
	return slices.ContainsFunc(t.attempts, func(a *attempt) bool {
		return a.caller != nil && a.caller.id == r.id && a.dest != nil && r.spans(a.start)
	})
}

// about finds the leg that a row is about; nil if there is none.
func (t *teller) about(r *row) *draft {
	for i := range t.legs {
		if d := &t.legs[i]; d.row == nil && t.tells(r, d) {
			return d
		}
	}
	return nil
}

// rowStay is the kind of stay that an application makes.
func rowStay(application string) string {
	switch application {
	case "Queue":
		return ringside.LegQueue
	case "Park", "ParkAndAnnounce":
		return ringside.LegPark
	case "ConfBridge":
		return ringside.LegConference
	case "VoiceMail":
		return ringside.LegVoicemail
	}
	return ""
}

func (t *teller) tells(r *row, d *draft) bool {
	if s := d.stay; s != nil {
		return s.part.id == r.id && rowStay(r.app) == s.kind && (r.dest == "" || s.kind == ringside.LegConference)
	}
	a := d.attempt
	if a == nil {
		return false
	}
	if a.dest == nil {
		return r.dest == "" && r.app == "Dial" && a.caller.id == r.id
	}
	if a.caller == nil {
		return a.dest.id == r.id && r.dest == ""
	}
	return a.caller.id == r.id && (r.dest == a.name || r.dest == a.dest.name)
}
