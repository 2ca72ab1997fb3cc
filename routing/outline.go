package routing

import (
	"slices"

	"github.com/ringside-pbx/ringside"
)

// Outline writes the directory down as the engine reads it.
func (c *Compiled) Outline() ringside.Outline {
	o := outliner{c: c, place: make(map[*group]int, len(c.groups))}
	o.out.Version, o.out.Calling = c.doc.Version, c.numbers.calling()
	for i := range c.doc.Groups {
		if g := c.groups[c.doc.Groups[i].ID]; g != nil && g.src == &c.doc.Groups[i] {
			o.place[g] = len(o.out.Groups)
			o.out.Groups = append(o.out.Groups, ringside.OutlineGroup{Group: g.src, Off: g.off != "", Members: c.Staff(g.src.ID)})
		}
	}
	for g, i := range o.place {
		o.out.Groups[i].Overflow = o.target(g.overflow)
	}
	for i := range c.doc.Numbers {
		if e := c.extensions[c.doc.Numbers[i].Number]; e != nil && e.src == &c.doc.Numbers[i] {
			o.out.Numbers = append(o.out.Numbers, ringside.OutlineNumber{
				Number: e.src.Number, Off: e.off != "", NoOutside: !e.takesExternal(), DialsOut: e.makesExternal(), Takes: e.limit(),
				Voicemail: e.src.Account != nil && e.src.Account.VoicemailEnabled, Mailbox: e.mailboxOff() == "",
			})
		}
	}
	for i := range c.rules {
		o.out.Rules = append(o.out.Rules, o.rule(&c.rules[i]))
	}
	o.out.Defaults = o.target(c.defaults)
	return o.out
}

type outliner struct {
	c     *Compiled
	out   ringside.Outline
	place map[*group]int
}

func (o *outliner) rule(r *rule) ringside.OutlineRule {
	out := ringside.OutlineRule{
		Rule: r.src, Caller: r.caller.source(), Called: r.called.source(), Always: r.when == nil || len(r.when.clauses) == 0,
		Zone: o.c.zone.String(), Target: *o.target(&r.dest), Fallback: o.target(r.fallback),
	}
	if out.Always {
		return out
	}
	if r.when.zone != nil {
		out.Zone = r.when.zone.String()
	}
	for i := range r.when.clauses {
		out.Open = append(out.Open, r.when.clauses[i].seasons(o.c.holidays)...)
	}
	return out
}

func (p *pattern) source() string {
	if p == nil {
		return ""
	}
	return p.src
}

func (o *outliner) target(d *dest) *ringside.OutlineTarget {
	if d == nil {
		return nil
	}
	t := ringside.OutlineTarget{Action: d.src.Action, Phone: d.phone, Group: -1, Text: d.src.AnnouncementText}
	if d.ext != nil {
		t.Number = d.ext.src.Number
	}
	if d.group != nil {
		t.Group = o.place[d.group]
	}
	return &t
}

// seasons gives the days and times of a clause. Between two days on which dates or holidays change, days of the
// week are all there is to tell apart.
func (c *clause) seasons(holidays *holidaySet) (out []ringside.Season) {
	cuts := []int32{0, ringside.EndlessDay + 1}
	for _, spans := range [][]dateSpan{c.onDates, c.notOnDates} {
		for _, s := range spans {
			cuts = append(cuts, s.from, s.to+1)
		}
	}
	if c.is.holidays || c.not.holidays {
		for _, day := range holidays.days {
			cuts = append(cuts, day, day+1)
		}
	}
	cuts = slices.DeleteFunc(cuts, func(day int32) bool { return day < 0 || day > ringside.EndlessDay+1 })
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	today, overnight := c.spans()
	for i, from := range cuts[:len(cuts)-1] {
		var week uint8
		for weekday := range uint8(7) {
			if c.fits(from, weekday, holidays) {
				week |= 1 << weekday
			}
		}
		if week == 0 {
			continue
		}
		to := cuts[i+1] - 1
		out = append(out, ringside.Season{From: from, To: to, Week: week, Times: today})
		if len(overnight) > 0 && from < ringside.EndlessDay {
			after := from + 1
			if from == 0 { // there was a day before the first, too
				after = 0
			}
			out = append(out, ringside.Season{
				From: after, To: min(to+1, ringside.EndlessDay), Week: (week<<1 | week>>6) & everyDay, Times: overnight,
			})
		}
	}
	return out
}

// spans are the clause's times on the day that they start on, and on the day after.
func (c *clause) spans() (today, overnight [][2]int32) {
	for _, t := range c.times {
		if t.from < t.to {
			today = append(today, [2]int32{t.from, t.to})
			continue
		}
		today = append(today, [2]int32{t.from, dayMinutes})
		overnight = append(overnight, [2]int32{0, t.to})
	}
	return today, overnight
}
