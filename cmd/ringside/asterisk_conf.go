package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// asteriskConf is one of Asterisk's configuration files, with the files that it includes, read by
// Asterisk's own rules (main/config.c).
type asteriskConf struct {
	sections []*confSection
	// unread are the included files that could not be read; faults are lines that Asterisk refuses.
	unread, faults []string
}

// confSection is a section in the order of the files. A name may come more than once.
type confSection struct {
	name     string
	file     string // where it begins
	template bool
	vars     []confVar
}

type confVar struct{ name, value string }

// Bounds of what is read.
const (
	maxConfIncludes = 10 // Asterisk's own limit of the depth
	maxConfFiles    = 500
	maxConfVars     = 200_000
)

// confReader reads a file and finds those that a pattern names.
type confReader struct {
	read func(path string) ([]byte, error)
	glob func(pattern string) ([]string, error)
}

func diskReader() confReader {
	return confReader{
		read: func(path string) ([]byte, error) { return readFile(path, maxConfigFile) },
		glob: filepath.Glob,
	}
}

// loadConf reads name in the folder etc. The error is that of the first file; what an included file lacks
// stands in the result.
func loadConf(etc, name string, from confReader) (*asteriskConf, error) {
	l := &confLoader{etc: etc, from: from, conf: &asteriskConf{}}
	path := filepath.Join(etc, name)
	text, err := from.read(path)
	if err != nil {
		return nil, err
	}
	l.load(path, text, nil, 0)
	return l.conf, nil
}

type confLoader struct {
	etc   string
	from  confReader
	conf  *asteriskConf
	files int
	vars  int
}

func (l *confLoader) fault(file string, line int, format string, args ...any) {
	if len(l.conf.faults) < 100 {
		l.conf.faults = append(l.conf.faults, fmt.Sprintf("%s:%d: %s", file, line, fmt.Sprintf(format, args...)))
	}
}

// load reads one file's text; in is the section that it is included in.
func (l *confLoader) load(file string, text []byte, in *confSection, depth int) {
	if l.files++; l.files > maxConfFiles {
		return
	}
	nested := 0 // block comments
	for i, line := range strings.Split(strings.TrimPrefix(string(text), "\xef\xbb\xbf"), "\n") {
		line, nested = uncomment(line, nested)
		line = strings.TrimSpace(line)
		switch {
		case line == "":
		case line[0] == '[':
			if in = l.section(file, i+1, line); in == nil {
				return // as Asterisk: the rest of the file is not read
			}
		case line[0] == '#':
			l.include(file, i+1, line, in, depth)
		case in == nil:
			l.fault(file, i+1, "a line before the first section")
			return
		default:
			l.variable(file, i+1, line, in)
		}
	}
}

// uncomment takes comments off a line: ";" to its end, ";-- … --;" over lines, which nest. "\;" is a
// semicolon, ";---" an ordinary comment.
func uncomment(line string, nested int) (string, int) {
	var kept strings.Builder
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c != ';':
			if nested == 0 {
				kept.WriteByte(c)
			}
		case i > 0 && line[i-1] == '\\':
			if nested == 0 {
				text := kept.String()
				kept.Reset()
				kept.WriteString(strings.TrimSuffix(text, `\`))
				kept.WriteByte(';')
			}
		case strings.HasPrefix(line[i:], ";--") && !strings.HasPrefix(line[i:], ";---"):
			nested++
			i += 2
		case nested > 0 && i >= 2 && line[i-2:i] == "--":
			nested--
		case nested == 0:
			return kept.String(), nested
		}
	}
	return kept.String(), nested
}

// section reads [name](options): "!" makes a template, "+" adds to the section of that name, and names are
// the templates whose lines come first.
func (l *confLoader) section(file string, number int, line string) *confSection {
	name, rest, ok := strings.Cut(line[1:], "]")
	if !ok {
		l.fault(file, number, "no closing ] of a section")
		return nil
	}
	s := &confSection{name: name, file: file}
	rest = strings.TrimSpace(rest)
	if strings.HasPrefix(rest, "(") {
		options, _, ok := strings.Cut(rest[1:], ")")
		if !ok {
			l.fault(file, number, "no closing ) of a section's options")
			return nil
		}
		for option := range strings.SplitSeq(options, ",") {
			switch option = strings.TrimSpace(option); option {
			case "":
			case "!":
				s.template = true
			case "+":
				old := l.conf.any(name)
				if old == nil {
					l.fault(file, number, "there is no section [%s] to add to", name)
					return nil
				}
				s = old
			default:
				base := l.conf.any(option)
				if base == nil {
					l.fault(file, number, "there is no section [%s] to inherit from", option)
					continue
				}
				if l.vars += len(base.vars); base != s && l.vars <= maxConfVars {
					s.vars = append(s.vars, base.vars...)
				}
			}
		}
	}
	if !slices.Contains(l.conf.sections, s) {
		l.conf.sections = append(l.conf.sections, s)
	}
	return s
}

func (l *confLoader) variable(file string, number int, line string, in *confSection) {
	name, value, ok := strings.Cut(line, "=")
	if !ok {
		l.fault(file, number, "a line without =")
		return
	}
	if l.vars++; l.vars > maxConfVars {
		return
	}
	name, more := strings.CutSuffix(name, "+") // var += value
	v := confVar{strings.TrimSpace(name), strings.TrimSpace(strings.TrimPrefix(value, ">"))}
	if old := in.value(v.name); more && old != "" {
		v.value = old + "," + v.value
	}
	in.vars = append(in.vars, v)
}

// include carries out #include and #tryinclude; #exec runs a program in Asterisk and is not carried out here.
func (l *confLoader) include(file string, number int, line string, in *confSection, depth int) {
	word, name, _ := strings.Cut(strings.ReplaceAll(line, "\t", " "), " ")
	name = strings.TrimSpace(name)
	if n := len(name); n >= 2 && (name[0] == '"' && name[n-1] == '"' || name[0] == '<' && name[n-1] == '>') {
		name = name[1 : n-1]
	}
	name = strings.TrimSpace(name)
	try := strings.EqualFold(word, "#tryinclude")
	switch {
	case strings.EqualFold(word, "#exec"):
		program, _, _ := strings.Cut(name, " ") // its arguments may be secrets
		l.conf.unread = append(l.conf.unread, "#exec "+program)
		return
	case !try && !strings.EqualFold(word, "#include"):
		l.fault(file, number, "%s is no directive", word)
		return
	case name == "":
		l.fault(file, number, "%s names no file", word)
		return
	case depth >= maxConfIncludes:
		l.fault(file, number, "files are included more than %d deep", maxConfIncludes)
		return
	}
	pattern := name
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(l.etc, pattern)
	}
	paths, err := l.from.glob(pattern)
	if err != nil || len(paths) == 0 {
		paths = []string{pattern}
		if try || strings.ContainsAny(name, "*?[") {
			return
		}
	}
	slices.Sort(paths)
	for _, path := range paths {
		text, err := l.from.read(path)
		if err != nil {
			if len(l.conf.unread) < 100 {
				l.conf.unread = append(l.conf.unread, path)
			}
			continue
		}
		l.load(path, text, in, depth+1)
	}
}

// any gives the last section of a name, templates too.
func (c *asteriskConf) any(name string) *confSection {
	for _, s := range slices.Backward(c.sections) {
		if strings.EqualFold(s.name, name) {
			return s
		}
	}
	return nil
}

// section gives the first section of a name that is no template; nil if there is none.
func (c *asteriskConf) section(name string) *confSection {
	for _, s := range c.sections {
		if !s.template && strings.EqualFold(s.name, name) {
			return s
		}
	}
	return nil
}

// whole gives all that the sections of a name say, one after the other, which is how a manager user is read
// whose name stands twice.
func (c *asteriskConf) whole(name string) *confSection {
	var all *confSection
	for _, s := range c.sections {
		if s.template || !strings.EqualFold(s.name, name) {
			continue
		}
		if all == nil {
			all = &confSection{name: s.name, file: s.file}
		}
		all.vars = append(all.vars, s.vars...)
	}
	return all
}

// value gives the last value of a name, the one that counts; empty also without a section.
func (s *confSection) value(names ...string) string {
	if s == nil {
		return ""
	}
	for _, v := range slices.Backward(s.vars) {
		for _, name := range names {
			if strings.EqualFold(v.name, name) {
				return v.value
			}
		}
	}
	return ""
}

// has reports whether a name is set.
func (s *confSection) has(name string) bool {
	return s != nil && slices.ContainsFunc(s.vars, func(v confVar) bool { return strings.EqualFold(v.name, name) })
}

// confTrue is Asterisk's ast_true.
func confTrue(text string) bool {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "yes", "true", "y", "t", "1", "on":
		return true
	}
	return false
}
