package ringside

import "fmt"

// Severity says whether a Problem takes its subject out of service.
type Severity string

// The severities of a Problem.
const (
	// Faulty: the subject (a rule, a group, a number) can't work and is left out; all others work.
	Faulty Severity = "error"
	// Doubtful: the subject works, but probably not as its author meant.
	Doubtful Severity = "warning"
)

// Problem is one thing that is wrong with a directory, said so that its author can find and mend it.
type Problem struct {
	Severity Severity `json:"severity"`
	// Code names the kind of problem for scripts, such as "bad-pattern" or "shadowed".
	Code string `json:"code"`
	// Path is the place in the document, such as rules[3].caller_id_pattern; empty for the whole.
	Path string `json:"path,omitempty"`
	// Kind and ID name the entity ("rule", "group", "number", "server"), Name is its own name.
	Kind string `json:"kind,omitempty"`
	ID   int64  `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
	// Field is the entity's field.
	Field string `json:"field,omitempty"`
	// Text says what is wrong, Hint what to do about it.
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"`
	// Line and Column are the place in the file that the document came from; 0 if not known.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
}

// String gives the problem as one line of text.
func (p Problem) String() string {
	s := p.Text
	if p.Kind != "" {
		who := fmt.Sprintf("%s %d", p.Kind, p.ID)
		if p.Name != "" {
			who += fmt.Sprintf(" %q", p.Name)
		}
		if p.Field != "" {
			who += ", " + p.Field
		}
		s = who + ": " + s
	} else if p.Path != "" {
		s = p.Path + ": " + s
	}
	if p.Hint != "" {
		s += " (" + p.Hint + ")"
	}
	return s
}
