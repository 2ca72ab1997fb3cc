package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/ringside-pbx/ringside"
)

// LoadConfig reads a configuration file over the defaults and validates the result. With no name
// it reads the default file if there is one. The error tells every problem at once, each with the
// file's name and, where it has one, its line.
func LoadConfig(file string) (*Config, error) {
	c := DefaultConfig()
	if file == "" {
		if _, err := os.Stat(defaultConfigFile); errors.Is(err, os.ErrNotExist) {
			return c, c.Validate()
		}
		file = defaultConfigFile
	}
	text, err := readFile(file, maxConfigFile)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	whole, errs := c.decode(text)
	c.anchor(filepath.Dir(file))
	if whole {
		// What could not be read has its default: it adds no error of its own.
		errs = append(errs, c.problems()...)
	}
	if len(errs) > 0 {
		return nil, inFile(file, errors.Join(errs...))
	}
	return c, nil
}

// inFile puts the file's name before each of the joined errors.
func inFile(file string, err error) error {
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return fmt.Errorf("%s: %w", file, err)
	}
	var errs []error
	for _, e := range joined.Unwrap() {
		errs = append(errs, fmt.Errorf("%s: %w", file, e))
	}
	return errors.Join(errs...)
}

// anchor makes relative paths relative to the configuration file's folder.
func (c *Config) anchor(folder string) {
	for _, path := range []*string{
		&c.Store.Path, &c.Directory.File, &c.Control.Socket, &c.AGI.TokenFile,
		&c.CRM.TokenFile, &c.CRM.SigningSecretFile, &c.CRM.CAFile, &c.CRM.CertFile, &c.CRM.KeyFile,
		&c.HTTP.TokenFile, &c.HTTP.SigningSecretFile, &c.HTTP.CertFile, &c.HTTP.KeyFile,
		&c.AMI.SecretFile, &c.AMI.CAFile, &c.ARI.PasswordFile, &c.ARI.CAFile, &c.ESL.PasswordFile, &c.dialplan().File,
	} {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(folder, *path)
		}
	}
}

// decode reads strict YAML: an unknown key is an error. It reports whether the rest was read all the
// same.
func (c *Config) decode(text []byte) (whole bool, errs []error) {
	var doc yaml.Node
	dec := yaml.NewDecoder(strings.NewReader(string(text)))
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return true, nil // an empty file leaves the defaults
	} else if err != nil {
		return false, []error{errors.New(strings.TrimPrefix(err.Error(), "yaml: "))}
	}
	if len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" {
		return true, nil
	}
	root := doc.Content[0]
	unset := expand(root, "")
	errs = append(unknownKeys(root, reflect.TypeOf(*c), ""), unset...)
	if err := root.Decode(c); err != nil {
		var wrong *yaml.TypeError
		if !errors.As(err, &wrong) {
			return false, append(errs, err)
		}
		for _, text := range wrong.Errors {
			errs = append(errs, errors.New(goTypes.ReplaceAllString(text, "$1")))
		}
	}
	return len(unset) == 0, errs
}

// goTypes are the names of Go types in the YAML library's messages, which say nothing to a user.
var goTypes = regexp.MustCompile(`(cannot unmarshal .*?) into .*`)

// unknownKeys finds keys that the configuration does not have, and keys that stand twice.
func unknownKeys(n *yaml.Node, t reflect.Type, path string) (errs []error) {
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[Duration]() || t == reflect.TypeFor[ringside.Secret]() {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		if n.Tag == "!!null" {
			return nil
		}
		return []error{fmt.Errorf("line %d: %sneeds keys below it", n.Line, label(path))}
	}
	fields := map[string]reflect.Type{}
	var names []string
	for i := range t.NumField() {
		name := t.Field(i).Tag.Get("yaml")
		fields[name] = t.Field(i).Type
		names = append(names, name)
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		field, ok := fields[key.Value]
		switch {
		case !ok:
			errs = append(errs, fmt.Errorf("line %d: %sthere is no key %q: it is one of %s",
				key.Line, label(path), key.Value, strings.Join(names, ", ")))
		case seen[key.Value]:
			errs = append(errs, fmt.Errorf("line %d: %sthe key %q stands twice", key.Line, label(path), key.Value))
		default:
			errs = append(errs, unknownKeys(n.Content[i+1], field, join(path, key.Value))...)
		}
		seen[key.Value] = true
	}
	return errs
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func label(path string) string {
	if path == "" {
		return ""
	}
	return path + ": "
}

// variable is an environment variable in a value, such as ${RINGSIDE_TOKEN}. Names are upper case,
// so that ${number} stays what it is.
var variable = regexp.MustCompile(`\$\{([A-Z_][A-Z0-9_]*)\}`)

// expand puts environment variables into the values of the document.
func expand(n *yaml.Node, path string) (errs []error) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			errs = append(errs, expand(n.Content[i+1], join(path, n.Content[i].Value))...)
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			errs = append(errs, expand(item, path+"["+strconv.Itoa(i)+"]")...)
		}
	case yaml.ScalarNode:
		n.Value = variable.ReplaceAllStringFunc(n.Value, func(m string) string {
			name := m[2 : len(m)-1]
			value, ok := os.LookupEnv(name)
			if !ok {
				errs = append(errs, fmt.Errorf("line %d: %sthe environment variable %s is not set", n.Line, label(path), name))
			}
			return value
		})
	}
	return errs
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (d *Duration) UnmarshalYAML(n *yaml.Node) error {
	if err := d.UnmarshalText([]byte(n.Value)); err != nil {
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: %s", n.Line, err)}}
	}
	return nil
}

// UnmarshalText reads a time span, also from the command line.
func (d *Duration) UnmarshalText(text []byte) error {
	if days, ok := strings.CutSuffix(string(text), "d"); ok {
		if count, err := strconv.ParseUint(days, 10, 16); err == nil {
			d.Duration = time.Duration(count) * 24 * time.Hour
			return nil
		}
	}
	span, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is no time span, such as 50ms, 10s or 30d", text)
	}
	d.Duration = span
	return nil
}
