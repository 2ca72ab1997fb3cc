package main

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/routing"
)

// document is a directory file that has been read: the JSON document that it stands for, and where
// in the file each of its parts is.
type document struct {
	file string
	json []byte
	// root is nil for a JSON file until a place is looked up.
	text []byte
	root *yaml.Node
	ids  map[string]map[string]int // list → id → place in the list
}

// readDocument reads a directory file, YAML or JSON. Errors carry the line.
func readDocument(file string) (*document, error) {
	text, err := readFile(file, maxDirectoryFile)
	if err != nil {
		return nil, fmt.Errorf("reading the directory: %w", err)
	}
	return parseDocument(file, text)
}

func parseDocument(file string, text []byte) (*document, error) {
	d := &document{file: file, text: text}
	if trimmed := bytes.TrimLeft(text, " \t\r\n\xef\xbb\xbf"); len(trimmed) > 0 && trimmed[0] == '{' {
		d.json = text
		return d, nil
	}
	var err error
	if d.root, err = yamlRoot(text); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	w := yamlWriter{budget: maxYAMLNodes}
	if err := w.value(d.root); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	d.json = w.out.Bytes()
	return d, nil
}

func yamlRoot(text []byte) (*yaml.Node, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(doc.Content) == 0 {
		return nil, errors.New("the file is empty")
	}
	return doc.Content[0], nil
}

// load decodes and compiles the document. Problems carry their place in the file; the error names
// every place that makes the document none.
func (d *document) load() (*routing.Compiled, []ringside.Problem, error) {
	dir, problems, err := ringside.DecodeDirectory(d.json)
	if err != nil {
		return nil, nil, d.placed(err)
	}
	compiled, more := routing.Compile(dir)
	problems = append(problems, more...)
	for i := range problems {
		d.locate(&problems[i])
	}
	return compiled, problems, nil
}

// locate gives a problem its place in the file. Entities that decoding left out do not count in the
// path, so the entity is looked for by its id.
func (d *document) locate(p *ringside.Problem) {
	path := p.Path
	if list, rest, ok := strings.Cut(path, "["); ok && p.Kind != "" {
		_, field, _ := strings.Cut(rest, "]")
		if i := d.indexOf(list, p.ID); i >= 0 {
			path = fmt.Sprintf("%s[%d]%s", list, i, field)
		}
	}
	p.Line, p.Column = d.place(path)
}

// indexOf finds the first entity of a list that has the id; -1 if none says so.
func (d *document) indexOf(list string, id int64) int {
	if d.ids[list] == nil {
		d.indexIDs(list)
	}
	if i, ok := d.ids[list][strconv.FormatInt(id, 10)]; ok {
		return i
	}
	return -1
}

func (d *document) indexIDs(list string) {
	if d.ids == nil {
		d.ids = map[string]map[string]int{}
	}
	ids := map[string]int{}
	d.ids[list] = ids
	if d.place(""); d.root == nil {
		return
	}
	entities := mapped(d.root, list)
	if entities == nil || entities.Kind != yaml.SequenceNode {
		return
	}
	for i, e := range entities.Content {
		if n := mapped(resolve(e), "id"); n != nil {
			if _, taken := ids[n.Value]; !taken {
				ids[n.Value] = i
			}
		}
	}
}

// placed puts file, line and column before each error of the document.
func (d *document) placed(err error) error {
	all := ringside.DecodeErrorsOf(err)
	if all == nil {
		return fmt.Errorf("%s: %w", d.file, err)
	}
	errs := make([]error, 0, len(all))
	for _, e := range all {
		line, column := d.place(e.Path)
		if line == 0 || d.root == nil {
			line, column = lineAt(d.json, e.Offset)
		}
		errs = append(errs, fmt.Errorf("%s:%d:%d: %w", d.file, line, column, e))
	}
	return errors.Join(errs...)
}

func lineAt(text []byte, offset int) (line, column int) {
	before := text[:min(offset, len(text))]
	return 1 + bytes.Count(before, []byte("\n")), offset - bytes.LastIndexByte(before, '\n')
}

// place finds the line and column of a path such as rules[3].fallback.action, or of the deepest
// part of it that is there; 0 if the file can't be searched.
func (d *document) place(path string) (line, column int) {
	if d.root == nil {
		root, err := yamlRoot(d.text)
		if err != nil {
			return 0, 0
		}
		d.root = root
	}
	n := d.root
	for path != "" {
		var key string
		switch path[0] {
		case '[':
			key, path, _ = strings.Cut(path[1:], "]")
			i, err := strconv.Atoi(key)
			if err != nil || n.Kind != yaml.SequenceNode || i >= len(n.Content) {
				return n.Line, n.Column
			}
			n = resolve(n.Content[i])
		default:
			path = strings.TrimPrefix(path, ".")
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			key, path = path[:end], path[end:]
			child := mapped(n, key)
			if child == nil {
				return n.Line, n.Column
			}
			n = child
		}
	}
	return n.Line, n.Column
}

func mapped(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return resolve(n.Content[i+1])
		}
	}
	return nil
}

func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}
