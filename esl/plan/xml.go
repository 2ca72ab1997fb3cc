package plan

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// sheet writes a context of the dialplan. Everything is escaped by the encoder; what others chose is made plain
// before, since FreeSWITCH expands variables in values and preprocesses lines before it reads XML.
type sheet struct {
	text bytes.Buffer
	enc  *xml.Encoder
	open []string
	err  error
}

// newSheet begins a context.
func newSheet(context string) *sheet {
	s := &sheet{}
	s.enc = xml.NewEncoder(&s.text)
	s.enc.Indent("  ", "  ")
	s.begin("context", attr("name", context))
	return s
}

func (s *sheet) token(t xml.Token) {
	if err := s.enc.EncodeToken(t); err != nil && s.err == nil {
		s.err = err
	}
}

func (s *sheet) begin(name string, attrs ...xml.Attr) {
	s.open = append(s.open, name)
	s.token(xml.StartElement{Name: xml.Name{Local: name}, Attr: attrs})
}

func (s *sheet) end() {
	last := len(s.open) - 1
	s.token(xml.EndElement{Name: xml.Name{Local: s.open[last]}})
	s.open = s.open[:last]
}

func (s *sheet) empty(name string, attrs ...xml.Attr) {
	s.begin(name, attrs...)
	s.end()
}

// note writes a comment.
func (s *sheet) note(format string, args ...any) {
	text := strings.NewReplacer("--", "- -", "<", "(", ">", ")", "#", " ", "$", " ").Replace(fmt.Sprintf(format, args...))
	s.token(xml.Comment(" " + text + " "))
}

func (s *sheet) action(application, data string) {
	if data == "" {
		s.empty("action", attr("application", application))
		return
	}
	s.empty("action", attr("application", application), attr("data", data))
}

// now is an action that is carried out while FreeSWITCH looks for the extension.
func (s *sheet) now(variable, value string) {
	s.empty("action", attr("application", "set"), attr("data", variable+"="+value), attr("inline", "true"))
}

// regex writes a condition that holds if one of the fields matches one of the expressions.
func (s *sheet) regex(fields, expressions []string, attrs ...xml.Attr) {
	if len(fields) == 1 && len(expressions) == 1 {
		s.begin("condition", append([]xml.Attr{attr("field", fields[0]), attr("expression", expressions[0])}, attrs...)...)
		return
	}
	s.begin("condition", append([]xml.Attr{attr("regex", "any")}, attrs...)...)
	for _, f := range fields {
		for _, e := range expressions {
			s.empty("regex", attr("field", f), attr("expression", e))
		}
	}
}

// finish ends the context and gives it without a wrapper.
func (s *sheet) finish() ([]byte, error) {
	s.end()
	if err := s.enc.Close(); err != nil && s.err == nil {
		s.err = err
	}
	if s.err != nil {
		return nil, fmt.Errorf("writing the dialplan: %w", s.err)
	}
	text := commentsApart(s.text.Bytes())
	for _, name := range []string{"action", "regex", "condition"} {
		// Within values ">" is escaped, so this is the end of an element and nothing else.
		text = bytes.ReplaceAll(text, []byte("></"+name+">"), []byte("/>"))
	}
	return text, nil
}

// commentsApart puts each comment on a line of its own, like what follows it.
func commentsApart(text []byte) []byte {
	lines := bytes.Split(text, []byte("\n"))
	var out [][]byte
	for i, line := range lines {
		parts := bytes.Split(line, []byte("<!-- "))
		if len(bytes.TrimSpace(parts[0])) > 0 || len(parts) == 1 {
			out = append(out, parts[0])
		}
		next := lines[min(i+1, len(lines)-1)]
		indent := next[:len(next)-len(bytes.TrimLeft(next, " "))]
		for _, comment := range parts[1:] {
			out = append(out, slices.Concat(indent, []byte("<!-- "), comment))
		}
	}
	return bytes.Join(out, []byte("\n"))
}

// plainText makes a text that others chose harmless as a value: nothing that is expanded, none of the words of the
// preprocessor, one line.
func plainText(text string, limit int) string {
	text = dialplan.Plain(text, limit)
	text = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || r == 0xfffe || r == 0xffff || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) {
			return -1 // XML has no place for some of them
		}
		return r
	}, text)
	if preprocessed(text) {
		text = strings.ReplaceAll(text, "-", "_")
	}
	return text
}

// File wraps a context as a file of FreeSWITCH's folder dialplan.
func File(context []byte) []byte {
	return bytes.Join([][]byte{[]byte("<include>"), context, []byte("</include>\n")}, []byte("\n"))
}

// Answer wraps a context as what mod_xml_curl asks for.
func Answer(context []byte) []byte {
	return bytes.Join([][]byte{
		[]byte("<document type=\"freeswitch/xml\">\n<section name=\"dialplan\">"), context, []byte("</section>\n</document>\n"),
	}, []byte("\n"))
}

// NoAnswer tells mod_xml_curl that there is nothing here, so that FreeSWITCH looks elsewhere.
func NoAnswer() []byte {
	return []byte("<document type=\"freeswitch/xml\">\n  <section name=\"result\">\n    <result status=\"not found\"/>\n  </section>\n</document>\n")
}
