package routing

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/ringside-pbx/ringside"
)

// tracer collects the explanation of a decision; a nil tracer collects nothing, so that an
// unexplained decision pays no more than the test for it.
type tracer struct {
	steps []ringside.Step
	// candidates are the rules that were looked at since the last settle, in the order of the
	// index, which is not the order of the rules.
	candidates []candidate
}

type candidate struct {
	rule int32
	step ringside.Step
}

func (t *tracer) looked(i int32, r *ringside.Rule, matched bool, why string) {
	if t == nil {
		return
	}
	t.candidates = append(t.candidates, candidate{i, ringside.Step{
		Step: "rule", Rule: r.ID, Name: r.Name, Matched: matched, Why: why,
	}})
}

// settle takes over the candidates up to the rule that was found, in the order of the rules.
// Later ones were looked at by chance and say nothing.
func (t *tracer) settle(found int32) {
	if t == nil {
		return
	}
	slices.SortStableFunc(t.candidates, func(a, b candidate) int { return cmp.Compare(a.rule, b.rule) })
	last := int32(-1)
	for _, c := range t.candidates {
		if c.rule > found {
			break
		}
		if c.rule != last { // both forms of a number lead to the same rule
			t.steps = append(t.steps, c.step)
		}
		last = c.rule
	}
	t.candidates = t.candidates[:0]
}

func (t *tracer) rule(r *ringside.Rule, matched bool, why string) {
	if t != nil {
		t.steps = append(t.steps, ringside.Step{Step: "rule", Rule: r.ID, Name: r.Name, Matched: matched, Why: why})
	}
}

func (t *tracer) member(group int64, number string, matched bool, why string) {
	if t != nil {
		t.steps = append(t.steps, ringside.Step{Step: "member", Group: group, Member: number, Matched: matched, Why: why})
	}
}

func (t *tracer) group(g *ringside.RingGroup, matched bool, why string) {
	if t != nil {
		t.steps = append(t.steps, ringside.Step{Step: "group", Group: g.ID, Name: g.Name, Matched: matched, Why: why})
	}
}

func (t *tracer) groupf(g *ringside.RingGroup, matched bool, format string, counts ...int) {
	if t == nil {
		return
	}
	args := make([]any, len(counts))
	for i, n := range counts {
		args[i] = n
	}
	t.group(g, matched, fmt.Sprintf(format, args...))
}

func (t *tracer) note(step string, matched bool, before, what, after string) {
	if t != nil {
		t.steps = append(t.steps, ringside.Step{Step: step, Matched: matched, Why: before + what + after})
	}
}

// result closes the explanation with the outcome in words.
func (t *tracer) result(d *ringside.Decision) {
	t.steps = append(t.steps, ringside.Step{Step: "result", Matched: true, Why: outcome(d)})
}

func outcome(d *ringside.Decision) string {
	switch d.Action {
	case ringside.Route:
		if len(d.Targets) > 1 {
			return fmt.Sprintf("ring %d extensions at once for %s", len(d.Targets), seconds(d.Timeout))
		}
		return fmt.Sprintf("ring %s for %s", d.Target, seconds(d.Timeout))
	case ringside.Queue:
		return fmt.Sprintf("wait in the queue of %s for at most %s", quote(d.Group.Name), seconds(d.Timeout))
	case ringside.Voicemail:
		return "leave a message for " + d.Target
	case ringside.Forward:
		return "forward to " + d.Target
	case ringside.Announcement:
		return "play the announcement " + quote(d.Announcement)
	case ringside.Hangup:
		return "hang up"
	case ringside.Busy:
		return "nobody can be reached: busy"
	case ringside.NotFound:
		return "nothing fits: the PBX's own dialplan goes on"
	}
	return string(d.Action)
}
