package plan

import (
	"regexp"
	"strings"

	"github.com/ringside-pbx/ringside"
)

// The variables of the static dialplan. They hold what ringside has written itself, or digits and a plus sign:
// FreeSWITCH would expand what a caller chose.
const (
	varFrom   = "ringside_from"   // outside, phone, dialler
	varHidden = "ringside_hidden" // true: the caller shows no number
	varCaller = "ringside_caller" // the caller's number in E.164; empty if it is none
	varCalled = "ringside_called"
)

func fromWord(c caller) string { return [callers]string{"outside", "phone", "dialler"}[c] }

// hiddenWords stand for a caller who shows no number (routing.withheld).
const hiddenWords = `(?i)hidden|private|unknown|blocked|withheld|anonymous|restricted|unavailable`

// who writes what tells callers apart: phones of the directory, and those that show no number.
func (w *static) who() error {
	hidden, err := pcre(`^(?:` + hiddenWords + `)?$`)
	if err != nil {
		return err
	}
	w.begin("extension", attr("name", "ringside-caller"), attr("continue", "true"))
	w.begin("condition")
	w.now(varFrom, fromWord(fromOutside))
	for _, v := range []string{varHidden, varCaller, varCalled} {
		w.now(v, "")
	}
	w.end()
	w.regex([]string{"caller_id_number"}, []string{hidden}, attr("break", "never"))
	w.now(varHidden, "true")
	w.end()
	w.note("user_name is set for phones that have logged in. Nobody else counts as one of yours, whatever number they show.")
	for _, kind := range []caller{fromPhone, fromDialler} {
		var numbers []string
		for _, n := range w.out.Numbers {
			if n.DialsOut == (kind == fromDialler) {
				numbers = append(numbers, n.Number)
			}
		}
		var expressions []string
		for len(numbers) > 0 {
			n := min(len(numbers), 50)
			expressions = append(expressions, whole(numbers[:n]...))
			numbers = numbers[n:]
		}
		if len(expressions) > 0 {
			w.regex([]string{"${user_name}"}, expressions, attr("break", "never"))
			w.now(varFrom, fromWord(kind))
			w.end()
		}
	}
	w.end()
	return nil
}

// inE164 writes what reads a number as the directory's country writes it.
func (w *static) inE164(name, field, variable string) error {
	w.begin("extension", attr("name", name), attr("continue", "true"))
	w.regex([]string{field}, []string{`\A[+]?[0-9]{7,20}\z`})
	w.end()
	put := func(expression, before string) {
		w.regex([]string{field}, []string{expression}, attr("break", "on-true"))
		w.now(variable, before+"$1")
		w.end()
	}
	const abroad = `([1-9][0-9]{6,14})\z`
	put(`\A[+]([0-9]{7,15})\z`, "+")
	if c := w.out.Calling; c.Code != "" {
		exit, err := pcre(c.Exit)
		if err != nil {
			return err
		}
		trunk, err := pcre(c.Trunk)
		if err != nil {
			return err
		}
		national, err := pcre(strings.Join(c.National, "|"))
		if err != nil {
			return err
		}
		if c.Exit != "" {
			put(`\A(?:`+exit+`)`+abroad, "+")
		}
		put(`\A(?:`+trunk+`)?(`+national+`)\z`, "+"+c.Code)
		put(`\A`+c.Code+`(`+national+`)\z`, "+"+c.Code)
	}
	put(`\A00`+abroad, "+")
	put(`\A((?:[1-79][0-9]|8[124-8])[0-9]{9,13})\z`, "+") // no calling code begins with 80, 83, 89
	w.end()
	return nil
}

// number writes the condition on a caller's or a called number, in both of its forms.
func (w *static) numberIs(pattern, field, variable string) error {
	if pattern == "" {
		return nil
	}
	expression, err := atStart(pattern)
	if err != nil {
		return err
	}
	re, err := regexp.Compile(`\A(?:` + pattern + `)`)
	if err != nil {
		return err
	}
	international := expression
	takesNone := re.MatchString("")
	if takesNone { // a number that has no international form has none that could match
		international = strings.Replace(expression, `\A`, `\A(?=[+])`, 1)
	}
	if field == "caller_id_number" {
		switch {
		case takesNone:
			w.begin("condition", attr("regex", "any"))
			w.empty("regex", attr("field", "${"+varHidden+"}"), attr("expression", whole("true")))
			w.empty("regex", attr("field", field), attr("expression", expression))
			w.empty("regex", attr("field", "${"+variable+"}"), attr("expression", international))
			w.end()
			return nil
		case matchesAWord(re):
			w.regex([]string{"${" + varHidden + "}"}, []string{`\A\z`})
			w.end()
		}
	}
	w.begin("condition", attr("regex", "any"))
	w.empty("regex", attr("field", field), attr("expression", expression))
	w.empty("regex", attr("field", "${"+variable+"}"), attr("expression", international))
	w.end()
	return nil
}

// matchesAWord reports whether a pattern could match one of the words for a caller who shows no number.
func matchesAWord(pattern *regexp.Regexp) bool {
	for word := range strings.SplitSeq(strings.TrimPrefix(hiddenWords, "(?i)"), "|") {
		for _, form := range []string{word, strings.ToUpper(word), strings.ToUpper(word[:1]) + word[1:]} {
			if pattern.MatchString(form) {
				return true
			}
		}
	}
	return false
}

// lackTexts are what no static dialplan can do.
func lackTexts(out *ringside.Outline) []string {
	texts := []string{
		"Who is busy or away is found out by calling them. Nobody waits in a queue, nobody is looked up in the CRM, nothing is recorded.",
		"A number is compared as it comes and in the international form. That form is found for plain digits, by the country's own " +
			"rules; of numbers of other countries without a plus sign or an exit code, those of 11 digits and more are taken for international ones.",
	}
	if out.Calling.Code == "" {
		texts = append(texts, "The directory has no default_country, so national numbers have no international form.")
	}
	return texts
}
