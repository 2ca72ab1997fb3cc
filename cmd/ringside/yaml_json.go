package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// Limits of a YAML document: an alias that repeats a part of it a million times is an attack.
const (
	maxYAMLNodes = 8_000_000
	maxYAMLDepth = 64
)

// yamlWriter writes a YAML document as the JSON document that it stands for. Scalars keep the type
// that YAML 1.2's core schema gives them; dates are text.
type yamlWriter struct {
	out    bytes.Buffer
	budget int
	depth  int
}

func (w *yamlWriter) value(n *yaml.Node) error {
	if w.budget--; w.budget < 0 {
		return fmt.Errorf("line %d: the document is too large", n.Line)
	}
	switch n.Kind {
	case yaml.AliasNode:
		return w.nested(n, w.value, n.Alias)
	case yaml.MappingNode:
		return w.nested(n, w.mapping, n)
	case yaml.SequenceNode:
		return w.nested(n, w.sequence, n)
	}
	return w.scalar(n)
}

func (w *yamlWriter) nested(at *yaml.Node, write func(*yaml.Node) error, n *yaml.Node) error {
	if w.depth++; w.depth > maxYAMLDepth {
		return fmt.Errorf("line %d: more than %d levels", at.Line, maxYAMLDepth)
	}
	defer func() { w.depth-- }()
	return write(n)
}

func (w *yamlWriter) mapping(n *yaml.Node) error {
	w.out.WriteByte('{')
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
			return fmt.Errorf("line %d: only plain keys are supported", key.Line)
		}
		if i > 0 {
			w.out.WriteByte(',')
		}
		if err := w.text(key.Value); err != nil {
			return fmt.Errorf("line %d: %w", key.Line, err)
		}
		w.out.WriteByte(':')
		if err := w.value(n.Content[i+1]); err != nil {
			return err
		}
	}
	w.out.WriteByte('}')
	return nil
}

func (w *yamlWriter) sequence(n *yaml.Node) error {
	w.out.WriteByte('[')
	for i, item := range n.Content {
		if i > 0 {
			w.out.WriteByte(',')
		}
		if err := w.value(item); err != nil {
			return err
		}
	}
	w.out.WriteByte(']')
	return nil
}

func (w *yamlWriter) scalar(n *yaml.Node) error {
	switch n.ShortTag() {
	case "!!null":
		w.out.WriteString("null")
		return nil
	case "!!bool":
		var b bool
		if err := n.Decode(&b); err != nil {
			return fmt.Errorf("line %d: %w", n.Line, err)
		}
		w.out.WriteString(strconv.FormatBool(b))
		return nil
	case "!!int":
		// An octal-looking or very long number is a telephone number that lost its quotes: as
		// text it keeps its digits.
		if i, err := strconv.ParseInt(n.Value, 10, 64); err == nil && strconv.FormatInt(i, 10) == n.Value {
			w.out.WriteString(n.Value)
			return nil
		}
	case "!!float":
		var f float64
		if err := n.Decode(&f); err == nil {
			if b, err := json.Marshal(f); err == nil && n.Value[0] != '+' {
				w.out.Write(b)
				return nil
			}
		}
	}
	if err := w.text(n.Value); err != nil {
		return fmt.Errorf("line %d: %w", n.Line, err)
	}
	return nil
}

func (w *yamlWriter) text(s string) error {
	b, err := json.Marshal(s)
	w.out.Write(b)
	return err
}
