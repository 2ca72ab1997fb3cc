package routing

import (
	"cmp"
	"slices"
	"time"

	"github.com/ringside-pbx/ringside"
)

// maxRules bounds a directory: more than that is no company's rule set.
const maxRules = 1_000_000

// Compiled is a directory that is ready to decide: immutable, safe for any number of goroutines.
type Compiled struct {
	doc        *ringside.Directory
	zone       *time.Location
	holidays   *holidaySet
	rules      []rule // in the order in which they are tried
	index      index
	left       []leftOut
	extensions map[string]*extension
	groups     map[int64]*group
	defaults   *dest
	numbers    *Normalizer
}

// rule is a sound, active rule.
type rule struct {
	src            *ringside.Rule
	caller, called *pattern
	when           *schedule // nil: always
	dest           dest
	fallback       *dest
}

// leftOut is a rule that is not tried, with the reason, for the full explanation.
type leftOut struct {
	src *ringside.Rule
	why string
}

// dest is a destination whose target has been looked up.
type dest struct {
	src   *ringside.Destination
	ext   *extension
	group *group
	phone string // the external number, ready to be dialled
}

func (d *dest) key() ringside.DestinationKey {
	k := ringside.DestinationKey{Action: d.src.Action}
	switch {
	case d.ext != nil:
		k.Target = d.ext.src.Number
	case d.phone != "":
		k.Target = d.phone
	case d.src.Action == ringside.PlayAnnouncement:
		k.Target = d.src.AnnouncementText
	}
	if d.group != nil {
		k.Group = d.group.src.ID
	}
	return k
}

// extension is an internal number with the lasting reason why it can't be called, if there is one.
type extension struct {
	src *ringside.Extension
	// off is why nobody can call it; empty if they can.
	off string
	// self is the target of a call straight to it.
	self dest
}

func (e *extension) takesExternal() bool {
	return e.src.Account == nil || e.src.Account.CanReceiveExternalCalls
}

func (e *extension) makesExternal() bool {
	return e.src.Account != nil && e.src.Account.CanMakeExternalCalls
}

// mailboxOff is why nobody can be sent to the extension's mailbox; empty if they can. Without an
// account there is nothing that forbids it, but only who says so in a rule sends a caller there.
func (e *extension) mailboxOff() string {
	if e.off == "" && e.src.Account != nil && !e.src.Account.VoicemailEnabled {
		return "has no voicemail"
	}
	return e.off
}

// limit is how many calls may reach the extension directly at one time.
func (e *extension) limit() int {
	if e.src.Account == nil {
		return 2
	}
	return e.src.Account.MaxConcurrentCalls
}

// group is a ring group with its members in the order in which they are tried.
type group struct {
	src     *ringside.RingGroup
	members []member
	// numbers are the members' numbers, so that a decision can point at one or at all of them.
	numbers  []string
	overflow *dest
	off      string
}

type member struct {
	number string
	ext    *extension
	off    string // why the member is never rung: no such extension, paused, …
}

// Compile makes a directory ready for use. It never fails: what is faulty is left out and
// described by a Problem with the entity's id, name and field; the rest works. The directory must
// not be changed afterwards.
func Compile(doc ringside.Directory) (*Compiled, []ringside.Problem) {
	c := &compiler{
		Compiled: Compiled{
			doc:        &doc,
			extensions: make(map[string]*extension, len(doc.Numbers)),
			groups:     make(map[int64]*group, len(doc.Groups)),
			numbers:    NewNormalizer(doc.DefaultCountry),
		},
		groupNames: make(map[string]*group, len(doc.Groups)),
		patterns:   map[string]*pattern{},
		schedules:  map[string]*schedule{},
	}
	c.times()
	c.compileExtensions()
	c.compileGroups()
	c.compileRules()
	c.index = buildIndex(c.rules)
	return &c.Compiled, c.problems
}

// Version is the directory's version.
func (c *Compiled) Version() string { return c.doc.Version }

// Document gives the directory that was compiled. It must not be changed.
func (c *Compiled) Document() *ringside.Directory { return c.doc }

// Number reads a number as the directory's country writes it.
func (c *Compiled) Number(raw string) ringside.Number { return c.numbers.Normalize(raw) }

// compiler is a Compiled in the making.
type compiler struct {
	Compiled
	groupNames map[string]*group
	// Equal patterns and conditions are compiled once: in large directories they repeat.
	patterns  map[string]*pattern
	schedules map[string]*schedule
	problems  []ringside.Problem
}

func (c *compiler) problem(p ringside.Problem) { c.problems = append(c.problems, p) }

func (c *compiler) times() {
	c.zone = time.UTC
	if name := c.doc.TimeZone; name != "" {
		zone, err := time.LoadLocation(name)
		if err != nil || name == "Local" {
			c.problem(ringside.Problem{
				Severity: ringside.Faulty, Code: "bad-time-zone", Path: "time_zone",
				Text: "there is no time zone " + quote(name) + ": UTC is used",
				Hint: "use an IANA name such as Europe/Moscow",
			})
		} else {
			c.zone = zone
		}
	}
	var bad []badHoliday
	c.holidays, bad = newHolidays(c.doc.Holidays)
	for _, b := range bad {
		c.problem(ringside.Problem{
			Severity: ringside.Faulty, Code: "bad-holiday", Path: b.path(),
			Text: quote(b.text) + " is no date and is left out", Hint: "write it as 2027-01-08",
		})
	}
}

func (c *compiler) compileExtensions() {
	servers := make(map[int64]bool, len(c.doc.Servers))
	for _, s := range c.doc.Servers {
		servers[s.ID] = s.Active
	}
	for i := range c.doc.Numbers {
		src := &c.doc.Numbers[i]
		p := ringside.Problem{
			Severity: ringside.Faulty, Kind: "number", ID: src.ID, Name: src.Number, Field: "number",
			Path: index1("numbers", i) + ".number",
		}
		switch {
		case !ringside.Dialable(src.Number):
			p.Code, p.Text = "bad-number", quote(src.Number)+" can't be dialled: it is left out"
			p.Hint = "use digits, letters, and . _ + -"
			c.problem(p)
			continue
		case c.extensions[src.Number] != nil:
			p.Code, p.Text = "duplicate-number", "the number exists twice: the first one counts"
			c.problem(p)
			continue
		}
		ext := &extension{src: src}
		active, known := servers[src.Server]
		switch {
		case !src.Active:
			ext.off = "is inactive"
		case src.Account != nil && !src.Account.Active:
			ext.off = "has an inactive account"
		case known && !active:
			ext.off = "belongs to an inactive server"
		}
		ext.self = dest{
			src: &ringside.Destination{Action: ringside.RouteToNumber, TargetNumber: src.Number},
			ext: ext,
		}
		c.extensions[src.Number] = ext
	}
}

func (c *compiler) compileGroups() {
	for i := range c.doc.Groups {
		src := &c.doc.Groups[i]
		if c.groups[src.ID] != nil {
			c.problem(ringside.Problem{
				Severity: ringside.Faulty, Code: "duplicate-id", Kind: "group", ID: src.ID, Name: src.Name,
				Field: "id", Path: index1("groups", i) + ".id", Text: "another group has the id too, and this one is left out",
			})
			continue
		}
		g := &group{src: src}
		if !src.Active {
			g.off = "is inactive"
		}
		if !knownStrategy(src.Strategy) {
			c.problem(ringside.Problem{
				Severity: ringside.Doubtful, Code: "unknown-strategy", Kind: "group", ID: src.ID, Name: src.Name,
				Field: "distribution_strategy", Path: index1("groups", i) + ".distribution_strategy",
				Text: "there is no strategy " + quote(string(src.Strategy)) + ": round_robin is used",
				Hint: "one of round_robin, random, priority, all_ring, least_recent",
			})
		}
		c.compileMembers(g, i)
		c.groups[src.ID] = g
		if c.groupNames[src.Name] == nil {
			c.groupNames[src.Name] = g
		}
	}
	// Overflows may lead to any group, so they are looked up when all groups are there.
	for i := range c.doc.Groups {
		src := &c.doc.Groups[i]
		if src.Overflow == nil || c.groups[src.ID].src != src {
			continue
		}
		d, p := c.dest(src.Overflow)
		if p != nil {
			p.Kind, p.ID, p.Name = "group", src.ID, src.Name
			p.Path = index1("groups", i) + ".overflow." + p.Field
			p.Field = "overflow." + p.Field
			c.problem(*p)
			continue
		}
		c.groups[src.ID].overflow = &d
	}
	if c.doc.Defaults != nil {
		d, p := c.dest(c.doc.Defaults)
		if p != nil {
			p.Path = "defaults." + p.Field
			c.problem(*p)
			return
		}
		c.defaults = &d
	}
}

func knownStrategy(s ringside.Strategy) bool {
	switch s {
	case ringside.RoundRobin, ringside.RandomPick, ringside.ByPriority, ringside.AllRing, ringside.LeastRecent:
		return true
	}
	return false
}

func (c *compiler) compileMembers(g *group, at int) {
	seen := make(map[string]bool, len(g.src.Members))
	order := make([]int, len(g.src.Members))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(g.src.Members[a].Priority, g.src.Members[b].Priority)
	})
	for _, i := range order {
		m := &g.src.Members[i]
		p := ringside.Problem{
			Severity: ringside.Doubtful, Kind: "group", ID: g.src.ID, Name: g.src.Name, Field: "members",
			Path: index1(index1("groups", at)+".members", i),
		}
		if seen[m.Number] {
			p.Code, p.Text = "duplicate-member", quote(m.Number)+" is a member twice: once counts"
			c.problem(p)
			continue
		}
		seen[m.Number] = true
		mem := member{number: m.Number, ext: c.extensions[m.Number]}
		switch {
		case mem.ext == nil:
			mem.off = "is no extension"
			p.Code, p.Text = "unknown-member", "there is no extension "+quote(m.Number)
			c.problem(p)
		case mem.ext.off != "":
			mem.off = mem.ext.off
		case m.Paused:
			mem.off = "is paused"
		case mem.ext.limit() <= 0:
			mem.off = "may have no calls at a time"
		}
		g.members = append(g.members, mem)
		g.numbers = append(g.numbers, m.Number)
	}
}

func (c *compiler) compileRules() {
	for i := range c.doc.Rules {
		if i == maxRules {
			c.problem(ringside.Problem{
				Severity: ringside.Faulty, Code: "too-many-rules", Path: index1("rules", i),
				Text: "there are more than a million rules: the rest is left out",
			})
			break
		}
		src := &c.doc.Rules[i]
		r, p := c.rule(src)
		switch {
		case p != nil:
			p.Severity, p.Kind, p.ID, p.Name = ringside.Faulty, "rule", src.ID, src.Name
			p.Path = index1("rules", i) + "." + p.Field
			c.problem(*p)
			c.left = append(c.left, leftOut{src, p.Text})
		case !src.Active:
			c.left = append(c.left, leftOut{src, "is inactive"})
		default:
			c.rules = append(c.rules, r)
		}
	}
	slices.SortStableFunc(c.rules, func(a, b rule) int { return order(a.src, b.src) })
	slices.SortStableFunc(c.left, func(a, b leftOut) int { return order(a.src, b.src) })
}

// order is the order in which rules are tried.
func order(a, b *ringside.Rule) int {
	return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.ID, b.ID))
}

// rule compiles one rule; the problem, if there is one, lacks the rule's name.
func (c *compiler) rule(src *ringside.Rule) (r rule, p *ringside.Problem) {
	r.src = src
	if r.caller, p = c.pattern(src.CallerIDPattern, "caller_id_pattern"); p != nil {
		return r, p
	}
	if r.called, p = c.pattern(src.CalledNumberPattern, "called_number_pattern"); p != nil {
		return r, p
	}
	if r.when, p = c.schedule(src.TimeCondition); p != nil {
		return r, p
	}
	if r.dest, p = c.dest(&src.Destination); p != nil {
		return r, p
	}
	if src.Fallback != nil {
		d, p := c.dest(src.Fallback)
		if p != nil {
			p.Field = "fallback." + p.Field
			return r, p
		}
		r.fallback = &d
	}
	return r, nil
}

func (c *compiler) pattern(src, field string) (*pattern, *ringside.Problem) {
	if p, ok := c.patterns[src]; ok {
		return p, nil
	}
	p, err := compilePattern(src)
	if err != nil {
		return nil, &ringside.Problem{
			Code: "bad-pattern", Field: field,
			Text: "the pattern " + quote(src) + " can't be used: " + err.Error(), Hint: patternHint(src, err),
		}
	}
	c.patterns[src] = p
	return p, nil
}

func (c *compiler) schedule(src string) (*schedule, *ringside.Problem) {
	if s, ok := c.schedules[src]; ok {
		return s, nil
	}
	s, err := parseSchedule(src)
	if err != nil {
		return nil, &ringside.Problem{
			Code: "bad-time", Field: "time_condition",
			Text: "the time condition " + quote(src) + " can't be read: " + err.Error(),
			Hint: `for example "weekdays 09:00-18:00"; see docs/time-conditions.md`,
		}
	}
	if src == "" {
		s = nil
	}
	c.schedules[src] = s
	return s, nil
}
