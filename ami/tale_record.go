package ami

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
)

// teller makes the record of a call that is over.
type teller struct {
	*tale
	number func(device string) string
	legs   []draft
}

// draft is a leg and what it was made of.
type draft struct {
	ringside.Leg
	attempt *attempt
	stay    *stay
	row     *row
	own     string // the Uniqueid of the leg's channel
}

// record makes the record of a call that is over; false if it was nobody's.
func (c *tale) record(number func(device string) string) (ringside.Witnessed, bool) {
	if c.first() == nil {
		return ringside.Witnessed{}, false
	}
	t := &teller{tale: c, number: number}
	w := ringside.Witnessed{
		PBX: "asterisk", CallID: c.ids[0], Start: c.first().start, End: c.end, Cause: c.first().cause,
		Recording: c.recording, CRMID: c.crmID,
	}
	if w.End.Before(w.Start) {
		w.End = w.Start
	}
	slices.SortStableFunc(c.rows, func(a, b row) int {
		return cmp.Or(a.start.Compare(b.start), cmp.Compare(len(a.sequence), len(b.sequence)), cmp.Compare(a.sequence, b.sequence))
	})
	t.parties(&w)
	t.attemptLegs()
	t.stayLegs()
	t.rowLegs()
	t.originLegs()
	t.otherLegs()
	for i := range t.legs {
		t.settleLeg(&t.legs[i], w.Start, w.End)
	}
	t.keys()
	slices.SortStableFunc(t.legs, func(a, b draft) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.PBXKey, b.PBXKey))
	})
	w.Answer = t.answer()
	w.Status = t.status(&w)
	w.Outside = slices.ContainsFunc(c.attempts, t.outside)
	for _, d := range t.legs {
		if len(w.Legs) < maxLegs {
			w.Legs = append(w.Legs, d.Leg)
		}
	}
	return w, true
}

// parties are who called whom. Of a call that the PBX was told to make, the caller is who was called
// first, and the called number is where they were led to.
func (t *teller) parties(w *ringside.Witnessed) {
	p := t.first()
	w.Channel, w.Caller, w.CallerName, w.Called = p.firstName, p.caller, p.callerName, p.exten
	if origin := t.originOf(p); origin != nil {
		if local(p.firstName) {
			if i := slices.IndexFunc(t.attempts, func(a *attempt) bool { return a.dest != nil && t.origin(a) && !local(a.name) }); i >= 0 {
				origin = t.attempts[i]
				w.Channel = origin.name
			}
		}
		w.Caller, w.CallerName = t.target(origin), ""
		if w.Called = t.firstCalled(); w.Called == "" {
			w.Called = p.exten
		}
		if w.Called == "" && p.presented != w.Caller && p.presented != p.caller {
			w.Called = p.presented
		}
	}
	w.Endpoint = bare(w.Channel)
}

// originOf is the attempt by which the PBX itself called a channel.
func (t *teller) originOf(p *part) *attempt {
	for _, a := range t.attempts {
		if a.caller == nil && a.dest == p {
			return a
		}
	}
	return nil
}

// origin reports whether an attempt reached who is the caller of a call that the PBX was told to make:
// nobody called them, or the other half of a Local channel did that nobody called.
func (t *teller) origin(a *attempt) bool {
	if a.caller == nil {
		return true
	}
	if !strings.HasSuffix(a.caller.firstName, ";2") || !local(a.caller.firstName) {
		return false
	}
	half := t.named(otherHalf(a.caller.firstName))
	return half != nil && t.originOf(half) != nil
}

func (t *teller) named(name string) *part {
	for _, p := range t.parts {
		if p.firstName == name || p.name == name {
			return p
		}
	}
	return nil
}

// firstCalled is whom the caller of such a call was led to first.
func (t *teller) firstCalled() string {
	for _, a := range t.attempts {
		if a.dest != nil && !t.origin(a) && !a.dest.noise {
			return t.target(a)
		}
	}
	return ""
}

// target is whom an attempt was to reach.
func (t *teller) target(a *attempt) string {
	device := endpointOf(a.name)
	if n := t.number(device); n != "" {
		return n
	}
	if local(a.name) {
		return localNumber(a.name)
	}
	return cmp.Or(dialledNumber(a.dialled), bare(a.name))
}

// who is a channel's extension or endpoint.
func (t *teller) who(p *part) string {
	if p == nil {
		return ""
	}
	if n := t.number(endpointOf(p.name)); n != "" {
		return n
	}
	if a := t.attemptAt(p); a != nil {
		return t.target(a)
	}
	return cmp.Or(p.caller, bare(p.name))
}

// outside reports whether an attempt led to a device that is no extension's.
func (t *teller) outside(a *attempt) bool {
	if a.dest != nil {
		return !a.dest.noise && !local(a.name) && t.number(endpointOf(a.name)) == ""
	}
	if t.reached(a) {
		return false
	}
	return slices.ContainsFunc(dialStrings(a.dialled), func(s string) bool {
		return !local(s) && t.number(s) == ""
	})
}

// moments is how far apart events of one moment may be.
const moments = 100 * time.Millisecond

// reached reports whether an application Dial reached a channel: then the attempts tell.
func (t *teller) reached(app *attempt) bool {
	return app.end.IsZero() || slices.ContainsFunc(t.attempts, func(a *attempt) bool {
		return a.dest != nil && a.caller == app.caller &&
			!a.start.Before(app.start.Add(-moments)) && !a.start.After(app.end.Add(moments))
	})
}

// attemptLegs makes the legs of attempts.
func (t *teller) attemptLegs() {
	for _, a := range t.attempts {
		if t.origin(a) || !t.counts(a) {
			continue
		}
		t.attemptLeg(a)
	}
}

// counts reports whether an attempt is a leg of its own.
func (t *teller) counts(a *attempt) bool {
	switch {
	case a.dest == nil:
		return !t.reached(a)
	case a.dest.noise:
		return false
	case local(a.name):
		return !t.leadsOn(a.dest)
	}
	return true
}

// leadsOn reports whether something became of a Local channel's other half, which tells more.
func (t *teller) leadsOn(p *part) bool {
	other := t.named(otherHalf(p.firstName))
	return other != nil && (slices.ContainsFunc(t.attempts, func(a *attempt) bool { return a.caller == other }) ||
		slices.ContainsFunc(t.stays, func(s *stay) bool { return s.part == other && s.kind != legTransfer }))
}

func (t *teller) attemptLeg(a *attempt) {
	d := draft{attempt: a, Leg: ringside.Leg{Kind: legDial, Start: a.start, Answer: a.answer, End: a.end}}
	switch {
	case a.dest == nil:
		d.own = a.caller.id
		d.Targets = t.dialledTo(a.dialled)
	default:
		d.own = a.dest.id
		d.Targets = []string{t.target(a)}
		d.Cause = a.dest.cause
		if local(a.name) && !a.answer.IsZero() && t.named(otherHalf(a.dest.firstName)) != nil {
			d.Kind, d.Answer = legApplication, time.Time{} // an application of the dialplan's answered
		}
	}
	t.legs = append(t.legs, d)
}

// dialledTo are the targets of an application Dial.
func (t *teller) dialledTo(data string) (targets []string) {
	for _, s := range dialStrings(data) {
		targets = append(targets, cmp.Or(t.number(s), dialledNumber(s), s))
	}
	return targets
}

func (t *teller) stayLegs() {
	for _, s := range t.stays {
		d := draft{stay: s, own: s.part.id, Leg: ringside.Leg{
			Kind: s.kind, Start: s.start, Answer: s.answer, End: s.end, Result: s.result,
		}}
		if s.target != "" {
			d.Targets = []string{s.target}
		}
		switch s.kind {
		case legTransfer:
			d.Targets = []string{cmp.Or(t.transferredTo(s), s.target)}
		case legVoicemail:
			d.Answer = s.start
		default:
			if !s.answer.IsZero() {
				d.Answered = t.who(s.by)
			}
		}
		t.legs = append(t.legs, d)
	}
}

// transferredTo is whom a transfer led to, where that says more than the place in the dialplan.
func (t *teller) transferredTo(s *stay) string {
	switch {
	case s.by == nil:
		return ""
	case s.attended && local(s.by.firstName):
		return t.calledBy(t.named(otherHalf(s.by.firstName)), time.Time{})
	case s.attended:
		return t.number(endpointOf(s.by.name))
	case strings.Trim(s.target, "+*#0123456789") == "":
		return s.target
	}
	return t.calledBy(s.by, s.start)
}

// calledBy is whom a channel called first from a time on.
func (t *teller) calledBy(p *part, from time.Time) string {
	for _, a := range t.attempts {
		if p != nil && a.caller == p && a.dest != nil && !a.start.Before(from) {
			return t.target(a)
		}
	}
	return ""
}

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
				Kind: legVoicemail, Targets: []string{mailbox(r.data)}, Start: r.start, Answer: r.answer, End: r.end, Result: staysDone,
			}})
		case r.app == "Dial" && !r.answered() && !t.dialledIn(r):
			t.legs = append(t.legs, draft{row: r, own: r.id, Leg: ringside.Leg{
				Kind: legDial, Targets: t.dialledTo(r.data), Start: r.start, End: r.end, Result: string(t.failed(r)),
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
		return legQueue
	case "Park", "ParkAndAnnounce":
		return legPark
	case "ConfBridge":
		return legConference
	case "VoiceMail":
		return legVoicemail
	}
	return ""
}

func (t *teller) tells(r *row, d *draft) bool {
	if s := d.stay; s != nil {
		return s.part.id == r.id && rowStay(r.app) == s.kind && (r.dest == "" || s.kind == legConference)
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

// originLegs makes legs of those who were to be the caller: one who did not answer is all there is to
// tell, and one who did is a leg only if the call led nowhere else.
func (t *teller) originLegs() {
	alone := len(t.legs) == 0 && t.talked.IsZero()
	for _, a := range t.attempts {
		if !t.origin(a) || !t.counts(a) || (!a.answer.IsZero() && !alone) {
			continue
		}
		t.attemptLeg(a)
		d := &t.legs[len(t.legs)-1]
		for i := range t.rows {
			if d.row == nil && t.tells(&t.rows[i], d) {
				d.row = &t.rows[i]
			}
		}
	}
}

// otherLegs makes legs of the rows of a call that has no other: it was joined to another, or it was an
// announcement's or some other application's.
func (t *teller) otherLegs() {
	if len(t.legs) > 0 {
		return
	}
	for i := range t.rows {
		r := &t.rows[i]
		if !r.answered() || r.app == "" || r.app == "Hangup" || strings.HasPrefix(r.app, "AppDial") {
			continue
		}
		l := ringside.Leg{Kind: legApplication, Targets: []string{r.app}, Start: r.start, End: r.end, Result: staysDone}
		switch p := t.named(r.dest); {
		case !t.talked.IsZero():
			if p == nil {
				continue
			}
			who := t.who(p)
			l.Targets, l.Answered, l.Start, l.Answer, l.End = []string{who}, who, t.talked, t.talked, p.end
		case announces(r.app):
			l.Kind, l.Targets, l.Answer = legAnnouncement, nil, r.answer
		}
		t.legs = append(t.legs, draft{row: r, own: r.id, Leg: l})
	}
}

// announces reports whether an application says something to the caller.
func announces(application string) bool {
	switch application {
	case "Playback", "BackGround", "Background", "ControlPlayback", "Flite", "Festival", "Swift":
		return true
	}
	return false
}

// settleLeg completes a leg: its end, its result, and who answered.
func (t *teller) settleLeg(d *draft, begin, end time.Time) {
	if d.Start.Before(begin) {
		d.Start = begin // a row's, which is cut to the second
	}
	if d.End.IsZero() || d.End.After(end) {
		d.End = end
	}
	if d.End.Before(d.Start) {
		d.End = d.Start
	}
	if a := d.attempt; a != nil {
		t.settleAttempt(d, a)
	}
	if !d.Answer.IsZero() && d.Answer.Before(d.Start) {
		d.Answer = d.Start
	}
	if d.Answer.After(d.End) {
		d.End = d.Answer
	}
}

func (t *teller) settleAttempt(d *draft, a *attempt) {
	result := a.result
	if result == "" {
		result = t.unsaid(d, a)
	}
	d.Result = string(result)
	if d.Kind != legDial {
		d.Result = staysDone
		return
	}
	if result != ringside.DialAnswered {
		d.Answer = time.Time{}
		return
	}
	if d.Answer.IsZero() {
		d.Answer = d.Start
		if d.row != nil && d.row.answer.After(d.Start) {
			d.Answer = d.row.answer
		}
	}
	d.Answered = d.Targets[0]
	if a.dest != nil {
		// Somebody else may have picked it up.
		d.Answered = cmp.Or(t.number(endpointOf(a.dest.name)), d.Answered)
	}
	if d.row != nil && d.row.answered() {
		d.bill(d.row.billed)
	}
}

// unsaid is the result of an attempt whose end no event told of.
func (t *teller) unsaid(d *draft, a *attempt) ringside.DialStatus {
	switch {
	case !a.answer.IsZero():
		return ringside.DialAnswered
	case a.dest == nil:
		return byCause(a.caller.cause, ringside.DialFailed)
	case a.caller == nil && a.dest.rang && a.dest.up.IsZero() && !a.dest.lost && a.dest.cause != ringside.CauseBusy:
		return ringside.DialNoAnswer // Asterisk 16 says FAILED of a phone that rang until it was given up
	case d.row != nil && d.row.disposition != "":
		return d.row.result()
	case a.dest.lost:
		return ""
	case !a.dest.up.IsZero():
		d.Answer = a.dest.up
		return ringside.DialAnswered
	}
	return byCause(a.dest.cause, ringside.DialCancelled)
}

// byCause is the result that a cause stands for, as Dial sees it.
func byCause(cause ringside.HangupCause, other ringside.DialStatus) ringside.DialStatus {
	switch cause {
	case ringside.CauseBusy:
		return ringside.DialBusy
	case ringside.CauseNoUserResponse, ringside.CauseNoAnswer:
		return ringside.DialNoAnswer
	case ringside.CauseUnallocated, 3, ringside.CauseAbsent, ringside.CauseRejected, 27:
		return ringside.DialUnavailable
	case ringside.CauseCongestion, 38, 42:
		return ringside.DialCongested
	}
	return other
}

// cutOff is how far the times of events and of the row may be apart, in which the seconds billed are cut.
const cutOff = 250 * time.Millisecond

// bill makes the talk as long as the PBX bills it, where that is a matter of cutting to seconds. A longer
// difference is one of meaning: a row counts from when the caller's line was answered, which may be long
// before the dialled one was, and until the caller and who was dialled were parted.
func (d *draft) bill(seconds int) {
	talk, billed := d.End.Sub(d.Answer), time.Duration(seconds)*time.Second
	switch {
	case talk < billed && billed-talk <= cutOff:
		d.End = d.Answer.Add(billed)
	case talk >= billed+time.Second && talk-billed-time.Second <= cutOff:
		d.End = d.Answer.Add(billed + time.Second - time.Millisecond)
	}
}

// keys gives each leg the PBX's key: of its row, or of its own.
func (t *teller) keys() {
	counts := map[string]int{}
	for i := range t.legs {
		d := &t.legs[i]
		if d.row != nil {
			d.PBXKey = d.row.id + "/" + d.row.sequence
			continue
		}
		key := d.own + "/" + d.Kind
		counts[key]++
		d.PBXKey = key + strconv.Itoa(counts[key])
	}
}

// answer is when somebody answered the call: a dialled party, an agent, who took it out of parking, or
// others in a conference. An application, such as voicemail or an announcement, is nobody.
func (t *teller) answer() (first time.Time) {
	first = t.talked
	for _, d := range t.legs {
		if d.Kind == legVoicemail || d.Kind == legAnnouncement || d.Answer.IsZero() {
			continue
		}
		if first.IsZero() || d.Answer.Before(first) {
			first = d.Answer
		}
	}
	return first
}

// status is how the call ended, in the CRM's words.
func (t *teller) status(w *ringside.Witnessed) ringside.Status {
	if !w.Answer.IsZero() {
		return ringside.StatusAnswered
	}
	var last *draft
	results := map[string]bool{}
	for i := range t.legs {
		d := &t.legs[i]
		switch d.Kind {
		case legVoicemail, legAnnouncement:
			return ringside.StatusNoAnswer
		case legDial, legQueue, legPark:
			results[d.Result] = true
			if last == nil || d.End.After(last.End) {
				last = d
			}
		}
	}
	switch {
	case last == nil && t.gap():
		return ringside.StatusFailed
	case last == nil:
		return statusByCause(w.Cause)
	case last.Result == string(ringside.DialCancelled), last.Result == staysLeft:
		if t.gap() {
			return ringside.StatusFailed
		}
		return ringside.StatusAbandoned
	case results[string(ringside.DialNoAnswer)], results[staysTimeout]:
		return ringside.StatusNoAnswer
	case results[string(ringside.DialBusy)]:
		return ringside.StatusBusy
	}
	return ringside.StatusFailed
}

// gap reports whether the call, or a part of it, ended while nobody listened.
func (t *teller) gap() bool {
	return slices.ContainsFunc(t.parts, func(p *part) bool { return p.lost })
}

// statusByCause is the status of a call that reached nobody: the caller left, or the PBX refused it.
func statusByCause(cause ringside.HangupCause) ringside.Status {
	switch cause {
	case ringside.CauseUnknown, ringside.CauseNormal, 26, 31, 127:
		return ringside.StatusAbandoned
	case ringside.CauseBusy:
		return ringside.StatusBusy
	case ringside.CauseNoUserResponse, ringside.CauseNoAnswer:
		return ringside.StatusNoAnswer
	}
	return ringside.StatusFailed
}

// bare is a channel's endpoint without its technology, as in an Offer.
func bare(channel string) string {
	_, endpoint, ok := strings.Cut(endpointOf(channel), "/")
	if !ok {
		return ""
	}
	return endpoint
}

// localNumber is the extension that a Local channel leads to: 101 of Local/101@queue-00000001;1.
func localNumber(channel string) string {
	exten, _, _ := strings.Cut(strings.TrimPrefix(channel, "Local/"), "@")
	return exten
}

// dialStrings are the devices that an application Dial calls.
func dialStrings(data string) []string {
	data, _, _ = strings.Cut(data, ",")
	return strings.Split(data, "&")
}

// dialledNumber is the number in a dial string: 79001112233@trunk, trunk/79001112233, PJSIP/101,
// trunk/sip:79001112233@host.
func dialledNumber(s string) string {
	if local(s) {
		return localNumber(s)
	}
	if before, host, ok := strings.Cut(s, "@"); ok && !strings.Contains(host, "@") {
		s = before
	}
	s = s[strings.LastIndexByte(s, '/')+1:]
	for _, scheme := range []string{"sip:", "sips:", "tel:"} {
		s = strings.TrimPrefix(s, scheme)
	}
	return s
}
