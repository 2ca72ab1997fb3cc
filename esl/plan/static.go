package plan

import (
	"fmt"
	"slices"

	"github.com/ringside-pbx/ringside"
)

// static is a directory's rules in the making as a context of the dialplan.
type static struct {
	*sheet
	d        *Dialplan
	out      *ringside.Outline
	byNumber map[string]*ringside.OutlineNumber
	problems []ringside.Problem
	said     map[ringside.Problem]bool
}

// Static writes the context that routes calls by the rules themselves, without ringside. What FreeSWITCH can't do
// is left out and described, in the problems and where it would stand.
func (d *Dialplan) Static(out *ringside.Outline) ([]byte, []ringside.Problem, error) {
	w := &static{
		sheet: newSheet(d.Context), d: d, out: out, byNumber: make(map[string]*ringside.OutlineNumber, len(out.Numbers)),
		said: map[ringside.Problem]bool{},
	}
	for i := range out.Numbers {
		w.byNumber[out.Numbers[i].Number] = &out.Numbers[i]
	}
	w.note("Written by ringside from version %s of the directory. Do not edit: it is written again when the directory changes.",
		plainText(out.Version, 80))
	for _, text := range lackTexts(out) {
		w.note("%s", text)
	}
	if err := w.head(); err != nil {
		return nil, nil, fmt.Errorf("writing the dialplan: %w", err)
	}
	for i := range out.Rules {
		w.rule(&out.Rules[i])
	}
	for _, n := range out.Numbers {
		direct := &ringside.OutlineTarget{Action: ringside.RouteToNumber, Number: n.Number, Group: -1}
		w.plans("extension "+n.Number, ringside.Problem{Kind: "number", Name: n.Number}, direct, nil, func() {
			w.regex([]string{"destination_number"}, []string{whole(n.Number)})
			w.end()
		})
	}
	if out.Defaults != nil {
		w.plans("default", ringside.Problem{Path: "defaults"}, out.Defaults, nil, func() {})
	}
	w.begin("extension", attr("name", "fallback"))
	w.note("No rule takes the call.")
	w.begin("condition")
	w.fallback()
	w.end()
	w.end()
	text, err := w.finish()
	return text, w.problems, err
}

func (w *static) fallback() {
	w.action("set", "hangup_after_bridge=true")
	w.action("bridge", w.d.Fallback)
}

func (w *static) head() error {
	w.begin("extension", attr("name", "ringside-too-long"))
	w.note("Numbers have up to %d characters. A longer one was made to do harm: nothing else looks at it.", ringside.MaxNumber)
	w.regex([]string{"caller_id_number", "destination_number"}, []string{fmt.Sprintf(`\A[\x00-\xff]{%d}`, ringside.MaxNumber+1)})
	w.fallback()
	w.end()
	w.end()
	if err := w.who(); err != nil {
		return err
	}
	if err := w.inE164("ringside-caller-number", "caller_id_number", varCaller); err != nil {
		return err
	}
	return w.inE164("ringside-called-number", "destination_number", varCalled)
}

// problem records one, and says it where it belongs.
func (w *static) problem(p ringside.Problem) {
	p.Severity = ringside.Doubtful
	if p.Code == codeLeftOut {
		p.Severity = ringside.Faulty
	}
	if w.said[p] {
		return
	}
	w.said[p] = true
	w.note("%s", plainText(p.String(), 400))
	w.problems = append(w.problems, p)
}

// codeLeftOut is the code of a rule that is not in the static dialplan.
const codeLeftOut = "static-left-out"

// rule writes one rule; one that can't be written exactly is left out.
func (w *static) rule(r *ringside.OutlineRule) {
	about := ringside.Problem{Kind: "rule", ID: r.Rule.ID, Name: r.Rule.Name}
	leave := func(field string, err error) {
		about.Code, about.Field, about.Text = codeLeftOut, field, "is left out of FreeSWITCH's dialplan: "+err.Error()
		w.problem(about)
	}
	// What can't be written is found before anything is.
	if _, err := atStart(r.Caller); err != nil {
		leave("caller_id_pattern", err)
		return
	}
	if _, err := atStart(r.Called); err != nil {
		leave("called_number_pattern", err)
		return
	}
	open, err := whenOpen(r.Open)
	zone := []ringside.Variable(nil)
	if err == nil && !r.Always {
		zone, err = clocks(r.Zone, w.d.Now)
	}
	if err != nil {
		leave("time_condition", err)
		return
	}
	if !r.Always && len(open) == 0 {
		return // it never holds
	}
	name := fmt.Sprintf("rule %d %s", r.Rule.ID, r.Rule.Name)
	w.plans(name, about, &r.Target, r.Fallback, func() {
		_ = w.numberIs(r.Called, "destination_number", varCalled) // they were tried above
		_ = w.numberIs(r.Caller, "caller_id_number", varCaller)
		if !r.Always {
			w.times(zone, open)
		}
	})
}

// times writes the condition on the time: any of some sets of attributes.
func (w *static) times(zone []ringside.Variable, open [][]attribute) {
	w.begin("condition")
	for _, v := range zone {
		w.now(v.Name, v.Value)
	}
	w.end()
	if len(open) == 1 {
		w.empty("condition", open[0]...)
		return
	}
	w.begin("condition", attr("regex", "any"))
	for _, attrs := range open {
		w.empty("regex", attrs...)
	}
	// A part that is a time leaves what the condition before has found, so one that is an expression and never
	// matches has to be the last.
	w.empty("regex", attr("field", "destination_number"), attr("expression", `\A\b\z`))
	w.end()
}

// plans writes an extension for each of the kinds of callers that are treated differently.
func (w *static) plans(name string, about ringside.Problem, target, fallback *ringside.OutlineTarget, conditions func()) {
	var done [callers]bool
	var all [callers]*plan
	for from := range callers {
		p := &plan{from: from, out: w.out, number: w.byNumber, speaks: w.d.Speech != "", dials: w.d.External != ""}
		if p.follow(target, fallback) {
			all[from] = p
		}
		for _, l := range p.lacks {
			w.lack(l, about)
		}
	}
	for from, p := range all {
		if p == nil || done[from] {
			continue
		}
		var words []string
		for other := from; other < len(all); other++ {
			if o := all[other]; o != nil && slices.EqualFunc(p.steps, o.steps, step.equal) {
				done[other] = true
				words = append(words, fromWord(caller(other)))
			}
		}
		w.begin("extension", attr("name", plainText(name, 120)))
		conditions()
		if len(words) < int(callers) {
			w.regex([]string{"${" + varFrom + "}"}, []string{whole(words...)})
			w.end()
		}
		w.begin("condition")
		w.steps(p.steps, about)
		w.end()
		w.end()
	}
}

// lack says what a plan can't do: of a group once, else of the rule.
func (w *static) lack(l lack, about ringside.Problem) {
	if l.group >= 0 {
		g := w.out.Groups[l.group].Group
		about = ringside.Problem{Kind: "group", ID: g.ID, Name: g.Name}
	}
	about.Code, about.Text = l.code, l.text()
	w.problem(about)
}
