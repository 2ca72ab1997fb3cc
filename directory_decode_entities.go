package ringside

import "fmt"

// What stands for numbers that a document leaves out; times are in seconds.
const (
	defaultPriority   = 100
	defaultRing       = 30
	defaultQueueSize  = 10
	defaultQueueTime  = 300
	defaultExpires    = 600
	defaultConcurrent = 2
	// outermostPriority is the largest priority either way.
	outermostPriority = 1_000_000_000
)

func (r *docReader) directory() Directory {
	var d Directory
	versioned := false
	if !r.object(func(key []byte) bool {
		switch string(key) {
		case "version":
			versioned = true
			r.version(&d.Version)
		case "time_zone":
			r.label(&d.TimeZone)
		case "default_country":
			r.label(&d.DefaultCountry)
		case "servers":
			d.Servers = list(r, "server", r.server, func(s *Server) (*int64, string) { return &s.ID, s.Name })
		case "numbers":
			d.Numbers = list(r, "number", r.extension, func(e *Extension) (*int64, string) { return &e.ID, e.Number })
		case "groups":
			d.Groups = list(r, "group", r.group, func(g *RingGroup) (*int64, string) { return &g.ID, g.Name })
		case "rules":
			d.Rules = list(r, "rule", r.rule, func(u *Rule) (*int64, string) { return &u.ID, u.Name })
		case "holidays":
			r.array(func(int) {
				var day string
				r.entry()
				r.label(&day)
				d.Holidays = append(d.Holidays, day)
			})
		case "defaults":
			d.Defaults = r.destination()
		default:
			return false
		}
		return true
	}) {
		return d
	}
	if !versioned {
		r.missing("version")
	}
	if d.TimeZone == "" {
		r.path = append(r.path, pathStep{key: []byte("time_zone")})
		r.problem(Doubtful, "no-time-zone", "no time zone is given, and rules are timed in UTC")
		r.hint("give an IANA name, such as Europe/Moscow")
		r.path = r.path[:0]
	}
	return d
}

// missing records that a required key is not there.
func (r *docReader) missing(key string) {
	r.path = append(r.path, pathStep{key: []byte(key)})
	r.fail(r.pos, "is missing")
	r.path = r.path[:len(r.path)-1]
}

// entry counts an entry of any list, so that a document of tiny entries can't take all memory.
func (r *docReader) entry() {
	if r.entries++; r.entries > maxEntries {
		r.syntax(fmt.Sprintf("the document has more than %d entries in its lists", maxEntries))
	}
}

// version reads text or a number as text.
func (r *docReader) version(dst *string) {
	offset := r.pos
	if c := r.peek(); c == '-' || c >= '0' && c <= '9' {
		*dst = string(r.num())
	} else if !r.text(dst) {
		return
	}
	switch {
	case *dst == "":
		r.fail(offset, "is empty")
	case len(*dst) > 200:
		r.fail(offset, "has more than 200 characters")
	case *dst != blankControls(*dst):
		r.fail(offset, "has a control character")
	}
}

// list reads a list of entities. decode reports whether its entity is of use; identify gives its
// id, to be filled in where it is 0, and its name.
func list[T any](r *docReader, kind string, decode func(*T) bool, identify func(*T) (*int64, string)) []T {
	var all []T
	var useless []int
	before := len(r.problems)
	r.array(func(i int) {
		if r.entry(); r.halted {
			return
		}
		var one T
		if !decode(&one) {
			useless = append(useless, i)
		}
		all = append(all, one)
	})
	if r.halted || len(all) == 0 {
		return nil
	}
	taken := make(map[int64]bool, len(all))
	for i := range all {
		id, _ := identify(&all[i])
		taken[*id] = true
	}
	free := int64(1)
	first := make(map[int64]int, len(all))
	left := make([]bool, len(all))
	for _, i := range useless {
		left[i] = true
	}
	for i := range all {
		id, _ := identify(&all[i])
		if *id == 0 {
			if *id = int64(i) + 1; taken[*id] {
				for taken[free] {
					free++
				}
				*id = free
			}
			taken[*id] = true
		}
		if j, twice := first[*id]; twice && !left[i] {
			left[i] = true
			r.path = append(r.path, pathStep{index: i}, pathStep{key: []byte("id")})
			r.problem(Faulty, "duplicate-id", "%s[%d] has the id %d too, and this one is left out", r.path[0].key, j, *id)
			r.path = r.path[:len(r.path)-2]
		} else if !left[i] {
			first[*id] = i
		}
	}
	for k := before; k < len(r.problems); k++ {
		p := &r.problems[k]
		id, name := identify(&all[p.owner])
		p.Kind, p.ID, p.Name = kind, *id, name
	}
	kept := all[:0]
	for i := range all {
		if !left[i] {
			kept = append(kept, all[i])
		}
	}
	return kept
}

// ignored names what the CRM's rows carry beside their meaning for routing.
func ignored(key []byte) bool {
	switch string(key) {
	case "description", "created_at", "updated_at":
		return true
	}
	return false
}

func (r *docReader) server(s *Server) bool {
	s.Active, s.RegisterExpires = true, defaultExpires
	return r.object(func(key []byte) bool {
		switch string(key) {
		case "id":
			r.id(&s.ID)
		case "name":
			r.label(&s.Name)
		case "host":
			r.label(&s.Host)
		case "websocket_uri":
			r.label(&s.WebsocketURI)
		case "realm":
			r.label(&s.Realm)
		case "proxy":
			r.label(&s.Proxy)
		case "register_expires":
			r.whole(&s.RegisterExpires, wholeRange{1, 604_800, defaultExpires})
		case "active":
			r.flag(&s.Active)
		default:
			return r.skipIgnored(key)
		}
		return true
	})
}

func (r *docReader) skipIgnored(key []byte) bool {
	if !ignored(key) {
		return false
	}
	r.skip()
	return true
}

func (r *docReader) extension(e *Extension) bool {
	e.Active = true
	given, useful := false, true
	if !r.object(func(key []byte) bool {
		switch string(key) {
		case "id":
			r.id(&e.ID)
		case "number":
			given = true
			if useful = r.dialled(&e.Number); useful && e.Number == "" {
				useful = false
				r.problem(Faulty, "empty-number", "is empty, and the number is left out")
			}
		case "server":
			r.id(&e.Server)
		case "user":
			e.User = r.user()
		case "display_name":
			r.label(&e.DisplayName)
		case "password":
			var s string
			if r.text(&s) && s != blankControls(s) {
				s = ""
				r.problem(Faulty, "control-character", "has a control character and is left out")
			}
			e.Password = NewSecret(s)
		case "active":
			r.flag(&e.Active)
		case "auto_generated":
			r.flag(&e.AutoGenerated)
		case "account":
			e.Account = r.account()
		default:
			return r.skipIgnored(key)
		}
		return true
	}) {
		return false
	}
	if !given {
		r.missing("number")
	}
	return useful
}

func (r *docReader) user() *User {
	u := new(User)
	r.object(func(key []byte) bool {
		switch string(key) {
		case "id":
			r.id(&u.ID)
		case "username":
			r.label(&u.Username)
		case "full_name":
			r.label(&u.FullName)
		case "email":
			r.label(&u.Email)
		default:
			return r.skipIgnored(key)
		}
		return true
	})
	return u
}

func (r *docReader) account() *Account {
	a := &Account{CallRecordingEnabled: true, VoicemailEnabled: true, MaxConcurrentCalls: defaultConcurrent, Active: true}
	r.object(func(key []byte) bool {
		switch string(key) {
		case "external_caller_id":
			r.dialled(&a.ExternalCallerID)
		case "can_make_external_calls":
			r.flag(&a.CanMakeExternalCalls)
		case "can_receive_external_calls":
			r.flag(&a.CanReceiveExternalCalls)
		case "call_recording_enabled":
			r.flag(&a.CallRecordingEnabled)
		case "voicemail_enabled":
			r.flag(&a.VoicemailEnabled)
		case "voicemail_email":
			r.label(&a.VoicemailEmail)
		case "max_concurrent_calls":
			r.whole(&a.MaxConcurrentCalls, wholeRange{0, 1000, defaultConcurrent})
			if a.MaxConcurrentCalls == 0 {
				r.problem(Doubtful, "never-called", "with 0 the extension never gets a call")
			}
		case "active":
			r.flag(&a.Active)
		default:
			return r.skipIgnored(key)
		}
		return true
	})
	return a
}

func (r *docReader) group(g *RingGroup) bool {
	g.Active, g.Strategy = true, RoundRobin
	g.RingTimeout, g.MaxQueueSize, g.QueueTimeout = defaultRing, defaultQueueSize, defaultQueueTime
	named := false
	if !r.object(func(key []byte) bool {
		switch string(key) {
		case "id":
			r.id(&g.ID)
		case "name":
			named = true
			r.label(&g.Name)
		case "description":
			r.prose(&g.Description)
		case "server":
			r.id(&g.Server)
		case "members":
			r.array(func(i int) {
				m := Member{Priority: i}
				if r.entry(); r.member(&m) {
					g.Members = append(g.Members, m)
				}
			})
		case "distribution_strategy":
			r.label((*string)(&g.Strategy))
		case "ring_timeout":
			r.whole(&g.RingTimeout, wholeRange{1, 3600, defaultRing})
		case "max_queue_size":
			r.whole(&g.MaxQueueSize, wholeRange{0, 10_000, defaultQueueSize})
		case "queue_timeout":
			r.whole(&g.QueueTimeout, wholeRange{1, 86_400, defaultQueueTime})
		case "overflow":
			g.Overflow = r.destination()
		case "music_on_hold":
			r.label(&g.MusicOnHold)
		case "announce_position":
			r.flag(&g.AnnouncePosition)
		case "active":
			r.flag(&g.Active)
		default:
			return r.skipIgnored(key)
		}
		return true
	}) {
		return false
	}
	if !named {
		r.missing("name")
	}
	return true
}

// member reads an extension's number, or an object with it.
func (r *docReader) member(m *Member) bool {
	given, useful := true, true
	if r.peek() == '{' {
		given = false
		if !r.object(func(key []byte) bool {
			switch string(key) {
			case "number":
				given = true
				useful = r.dialled(&m.Number)
			case "priority":
				r.whole(&m.Priority, wholeRange{-outermostPriority, outermostPriority, -outermostPriority})
			case "paused":
				r.flag(&m.Paused)
			default:
				return false
			}
			return true
		}) {
			return false
		}
		if !given {
			r.missing("number")
		}
	} else {
		useful = r.dialled(&m.Number)
	}
	if useful && given && m.Number == "" {
		r.problem(Faulty, "empty-number", "is empty, and the member is left out")
	}
	return useful && m.Number != ""
}

func (r *docReader) rule(u *Rule) bool {
	u.Active, u.Priority = true, defaultPriority
	does := false
	if !r.object(func(key []byte) bool {
		switch string(key) {
		case "id":
			r.id(&u.ID)
		case "name":
			r.label(&u.Name)
		case "priority":
			r.whole(&u.Priority, wholeRange{-outermostPriority, outermostPriority, -outermostPriority})
		case "caller_id_pattern":
			r.condition(&u.CallerIDPattern)
		case "called_number_pattern":
			r.condition(&u.CalledNumberPattern)
		case "time_condition":
			r.condition(&u.TimeCondition)
		case "fallback":
			u.Fallback = r.destination()
		case "active":
			r.flag(&u.Active)
		case "action":
			does = true
			r.label((*string)(&u.Action))
		default:
			return r.target(&u.Destination, key) || r.skipIgnored(key)
		}
		return true
	}) {
		return false
	}
	if !does {
		r.missing("action")
	}
	return true
}

// destination reads an action with its target; an empty object is none.
func (r *docReader) destination() *Destination {
	d := new(Destination)
	empty, does := true, false
	if !r.object(func(key []byte) bool {
		empty = false
		if string(key) == "action" {
			does = true
			r.label((*string)(&d.Action))
			return true
		}
		return r.target(d, key)
	}) || empty {
		return nil
	}
	if !does {
		r.missing("action")
	}
	return d
}

// target reads one key of a destination's target and reports whether it is one.
func (r *docReader) target(d *Destination, key []byte) bool {
	switch string(key) {
	case "target_number":
		r.dialled(&d.TargetNumber)
	case "target_group":
		if r.peek() == '"' {
			r.label(&d.TargetGroup.Name)
		} else {
			r.id(&d.TargetGroup.ID)
		}
	case "target_external":
		r.dialled(&d.TargetExternal)
	case "announcement_text":
		r.prose(&d.AnnouncementText)
	default:
		return false
	}
	return true
}
