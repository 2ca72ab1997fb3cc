package ringside

// Outline is a directory as the engine reads it, in plain data: what is faulty is left out, patterns and times
// are parsed, targets are looked up. It is for what writes the rules down for somebody else to carry out.
type Outline struct {
	Version  string
	Calling  Calling
	Rules    []OutlineRule // in the order in which they are tried
	Numbers  []OutlineNumber
	Groups   []OutlineGroup
	Defaults *OutlineTarget
}

// Calling says how the directory's country writes telephone numbers. All are regular expressions that RE2 and
// PCRE read alike, without groups that capture.
type Calling struct {
	// Code is the country's calling code; empty if numbers are only read in the international form.
	Code string
	// Exit comes before an international number, Trunk before a national one; empty for none.
	Exit, Trunk string
	// National are the valid national numbers.
	National []string
}

// OutlineRule is a sound, active rule.
type OutlineRule struct {
	Rule *Rule
	// Caller and Called are RE2 expressions that are anchored at their start; empty matches any number.
	Caller, Called string
	// Always: there is no time. Otherwise the rule holds while any of Open does, on the clocks of Zone.
	Always   bool
	Open     []Season
	Zone     string
	Target   OutlineTarget
	Fallback *OutlineTarget
}

// Season is times of day on the days of the week within a range of dates. Times over midnight are cut there.
type Season struct {
	// From and To are days since 1970-01-01, both included; EndlessDay is for ever.
	From, To int32
	// Week has Sunday in its lowest bit.
	Week uint8
	// Times are minutes of the day, the end not included; none is the whole day.
	Times [][2]int32
}

// EndlessDay is 9999-12-31, since 1970-01-01.
const EndlessDay = 2932896

// OutlineTarget is a destination whose target is there.
type OutlineTarget struct {
	Action Action
	// Number is an extension, Phone a number to be dialled outside.
	Number, Phone string
	// Group is a place in Groups; -1 for none.
	Group int
	Text  string
}

// OutlineNumber is an extension.
type OutlineNumber struct {
	Number string
	// Off: nobody can call it. NoOutside: no call from outside can. DialsOut: it may call outside.
	Off, NoOutside, DialsOut bool
	// Takes is how many calls it can have at a time.
	Takes int
	// Voicemail takes calls that it does not; Mailbox: a rule may send callers to its mailbox.
	Voicemail, Mailbox bool
}

// OutlineGroup is a ring group with those of its members who can be called at all, in the order in which they
// are tried.
type OutlineGroup struct {
	Group    *RingGroup
	Off      bool
	Members  []string
	Overflow *OutlineTarget
}
