package plan

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// This interprets a dialplan as mod_dialplan_xml of FreeSWITCH 1.10.12 does (parse_exten, dialplan_hunt,
// switch_xml_std_datetime_check), with its traps: what a condition has found stays until the next one finds
// something else, also where a part of regex="any" is a time.

type node struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Children []node     `xml:",any"`
}

func (n *node) attr(name string) (string, bool) {
	for _, a := range n.Attrs {
		if a.Name.Local == name {
			return a.Value, true
		}
	}
	return "", false
}

func (n *node) get(name string) string { v, _ := n.attr(name); return v }

func (n *node) all(name string) (out []*node) {
	for i := range n.Children {
		if n.Children[i].XMLName.Local == name {
			out = append(out, &n.Children[i])
		}
	}
	return out
}

// parsed reads a context.
func parsed(t testing.TB, text []byte) *node {
	t.Helper()
	var n node
	dec := xml.NewDecoder(bytes.NewReader(text))
	if err := dec.Decode(&n); err != nil {
		t.Fatalf("the dialplan is no XML: %v\n%s", err, text)
	}
	return &n
}

// action is an application with its argument.
type action struct{ app, data string }

// hunter is a call that looks for its extension.
type hunter struct {
	t         testing.TB
	fields    map[string]string
	vars      map[string]string
	at        time.Time
	extension string
	actions   []action
	cache     *sync.Map
}

func newHunter(t testing.TB, from, to, user string, at time.Time) *hunter {
	return &hunter{
		t: t, fields: map[string]string{"caller_id_number": from, "destination_number": to},
		vars: map[string]string{"user_name": user, "ringside_from": "dialler", "ringside_caller": "left over"}, at: at, cache: &sync.Map{},
	}
}

func (c *hunter) hunt(context *node) {
	for _, ext := range context.all("extension") {
		if c.extensionOf(ext) && ext.get("continue") != "true" {
			c.extension = ext.get("name")
			return
		}
	}
	c.extension = "" // FreeSWITCH: no route, unless an action was found on the way
}

func (c *hunter) extensionOf(ext *node) (proceed bool) {
	for _, cond := range ext.all("condition") {
		brk := cond.get("break")
		anti := true
		timeMatch := c.time(cond)
		switch timeMatch {
		case 1:
			anti, proceed = false, true
		case 0:
			proceed = false
		}
		var match []string
		substitutes := false
		if rule, ok := cond.attr("regex"); ok {
			all := rule == "all"
			pass, fail := 0, 0
			for _, r := range cond.all("regex") {
				tm := c.time(r)
				field, has := r.attr("field")
				switch {
				case has:
					m := c.regex(r.get("expression"), c.field(field))
					proceed = m != nil
					if m != nil {
						pass++
					} else {
						fail++
					}
					if strings.Contains(r.get("expression"), "(") {
						match, substitutes = m, true
					}
				case tm == -1, tm == 1:
					pass++
					proceed = true
				default:
					fail++
				}
				if !all && pass > 0 && (has || tm != 0) || all && fail > 0 {
					break
				}
			}
			if all && fail == 0 || !all && pass > 0 {
				anti = false
			}
		} else if field, ok := cond.attr("field"); ok {
			match = c.regex(cond.get("expression"), c.field(field))
			substitutes = strings.Contains(cond.get("expression"), "(")
			if proceed = match != nil; proceed {
				anti = false
			}
		} else if timeMatch == -1 {
			anti, proceed = false, true
		}
		if len(cond.all("anti-action")) > 0 || len(cond.all("condition")) > 0 {
			c.t.Fatal("the interpreter knows neither anti-actions nor nested conditions")
		}
		if !anti {
			for _, a := range cond.all("action") {
				data := a.get("data")
				if substitutes {
					data = substituted(data, match)
				}
				if a.get("inline") == "true" {
					c.inline(a.get("application"), data)
					continue
				}
				c.actions = append(c.actions, action{a.get("application"), data})
			}
		}
		if brk == "on-true" && !anti || (brk == "" || brk == "on-false") && anti || brk == "always" {
			break
		}
	}
	return proceed
}

func substituted(data string, match []string) string {
	return regexp.MustCompile(`\$[0-9]`).ReplaceAllStringFunc(data, func(s string) string {
		if i := int(s[1] - '0'); i < len(match) {
			return match[i]
		}
		return ""
	})
}

func (c *hunter) inline(app, data string) {
	name, value, ok := strings.Cut(data, "=")
	if app != "set" || !ok || strings.Contains(value, "$") {
		c.t.Fatalf("%s(%s) can't be done while an extension is looked for", app, data)
	}
	c.vars[name] = value
}

func (c *hunter) field(name string) string {
	if v, ok := strings.CutPrefix(name, "${"); ok {
		return c.vars[strings.TrimSuffix(v, "}")]
	}
	v, ok := c.fields[name]
	if !ok {
		c.t.Fatalf("a call has no field %q", name)
	}
	return v
}

func (c *hunter) regex(expression, text string) []string {
	if strings.ContainsAny(expression[:1], "_/") || strings.Contains(expression, "${") || strings.Contains(expression, `\\`) {
		c.t.Fatalf("FreeSWITCH reads %q as something else", expression)
	}
	if after := strings.Replace(expression, "(?=[+])", "", 1); after != expression {
		if !strings.HasPrefix(text, "+") {
			return nil
		}
		expression = after
	}
	re, ok := c.cache.Load(expression)
	if !ok {
		compiled, err := bytewise(expression)
		if err != nil {
			c.t.Fatalf("%q: %v", expression, err)
		}
		re = compiled
		c.cache.Store(expression, re)
	}
	return re.(*regexp.Regexp).FindStringSubmatch(latin(text))
}

// time is 1 for a time that holds, 0 for one that does not, -1 for none.
func (c *hunter) time(n *node) int {
	at := c.at.In(time.FixedZone("the machine's", 11*3600+1800)) // not what was asked for
	if offset := c.vars["tod_tz_offset"]; offset != "" {
		hours, err := strconv.Atoi(offset)
		if err != nil {
			c.t.Fatal(err)
		}
		at = c.at.In(time.FixedZone("", hours*3600))
	} else if zone := c.vars["timezone"]; zone != "" {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			c.t.Fatal(err)
		}
		at = c.at.In(loc)
	}
	match := -1
	for _, a := range n.Attrs {
		ok := true
		switch a.Name.Local {
		case "year":
			ok = inList(a.Value, at.Year())
		case "mon":
			ok = inList(a.Value, int(at.Month()))
		case "mday":
			ok = inList(a.Value, at.Day())
		case "wday":
			ok = inList(a.Value, int(at.Weekday())+1)
		case "time-of-day":
			ok = inTimes(a.Value, at.Hour()*3600+at.Minute()*60+at.Second())
		case "field", "expression", "break", "regex":
			continue
		default:
			c.t.Fatalf("the interpreter does not know the attribute %s", a.Name.Local)
		}
		if !ok {
			return 0
		}
		match = 1
	}
	return match
}

func inList(list string, n int) bool {
	return slices.ContainsFunc(strings.Split(list, ","), func(part string) bool {
		from, to, ok := strings.Cut(part, "-")
		a, err := strconv.Atoi(from)
		b := a
		if ok {
			b, err = strconv.Atoi(to)
		}
		return err == nil && n >= a && n <= b
	})
}

func inTimes(list string, second int) bool {
	return slices.ContainsFunc(strings.Split(list, ","), func(part string) bool {
		var v [6]int
		if _, err := fmt.Sscanf(part, "%d:%d:%d-%d:%d:%d", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5]); err != nil {
			return false
		}
		return second >= v[0]*3600+v[1]*60+v[2] && second <= v[3]*3600+v[4]*60+v[5]
	})
}

// chain tells what the actions do, stage by stage, up to the last.
func (c *hunter) chain() (stages []string) {
	seconds := ""
	for _, a := range c.actions {
		switch a.app {
		case "set":
			if s, ok := strings.CutPrefix(a.data, "call_timeout="); ok {
				seconds = s
			}
		case "bridge":
			numbers := strings.FieldsFunc(a.data, func(r rune) bool { return r == ',' || r == '|' })
			for i, n := range numbers {
				numbers[i] = n[strings.LastIndexByte(n, '/')+1:]
			}
			slices.Sort(numbers)
			how := "in turn"
			if strings.Contains(a.data, ",") || len(numbers) == 1 {
				how = "at once"
			}
			stages = append(stages, fmt.Sprintf("ring %v %s for %s", numbers, how, seconds))
		case "voicemail":
			stages = append(stages, "mailbox "+a.data[strings.LastIndexByte(a.data, ' ')+1:])
			return stages
		case "playback", "speak":
			stages = append(stages, "say "+a.data[strings.LastIndexByte(a.data, '|')+1:])
			return stages
		case "hangup":
			stages = append(stages, "hangup "+a.data)
			return stages
		case "answer", "sleep", "unset", "socket", "execute_extension":
		default:
			c.t.Fatalf("unknown application %s", a.app)
		}
	}
	return stages
}
