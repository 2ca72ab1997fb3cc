package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/control"
)

type directorySetCmd struct {
	Kind    string   `arg:"" help:"server, number, group, rule, or directory for what stands at its top."`
	Args    []string `arg:"" name:"id-and-fields" help:"The entity's id (not for the kind directory), then field=value, such as account.voicemail_enabled=true members='[\"101\",\"102\"]' fallback=null."`
	Confirm bool     `help:"Do it even if it looks like an accident."`
	JSON    bool     `help:"Print JSON." name:"json"`
}

// Run implements the command.
func (c *directorySetCmd) Run(p *program) error {
	e := ringside.Edit{Kind: c.Kind, Op: ringside.EditUpdate}
	fields := c.Args
	if c.Kind != "directory" {
		var err error
		if e.Entity, err = entityID(c.Kind, fields[0]); err != nil {
			return exitError{exitUsage, err}
		}
		fields = fields[1:]
	}
	var err error
	if e.Fields, err = typedFields(c.Kind, fields); err != nil {
		return exitError{exitUsage, err}
	}
	return edit(p, e, c.Confirm, c.JSON)
}

type directoryAddCmd struct {
	Kind   string   `arg:"" help:"server, number, group or rule."`
	Fields []string `arg:"" optional:"" help:"field=value, such as name=Sales members=101,102."`
	File   string   `help:"A file with the entity, YAML or JSON, in place of fields." type:"path" placeholder:"FILE"`
	JSON   bool     `help:"Print JSON." name:"json"`
}

// Run implements the command.
func (c *directoryAddCmd) Run(p *program) error {
	e := ringside.Edit{Kind: c.Kind, Op: ringside.EditCreate}
	var err error
	switch {
	case c.File != "" && len(c.Fields) > 0:
		err = errors.New("give fields or --file, not both")
	case c.File != "":
		e.Fields, err = entityFile(c.File)
	default:
		e.Fields, err = typedFields(c.Kind, c.Fields)
	}
	if err != nil {
		return exitError{exitUsage, err}
	}
	return edit(p, e, false, c.JSON)
}

func entityFile(file string) (json.RawMessage, error) {
	doc, err := readDocument(file)
	if err != nil {
		return nil, err
	}
	return doc.json, nil
}

type directoryRemoveCmd struct {
	Kind    string `arg:"" help:"server, number, group or rule."`
	ID      string `arg:"" help:"The entity's id."`
	Confirm bool   `help:"Do it even if it looks like an accident."`
	JSON    bool   `help:"Print JSON." name:"json"`
}

// Run implements the command.
func (c *directoryRemoveCmd) Run(p *program) error {
	id, err := entityID(c.Kind, c.ID)
	if err != nil {
		return exitError{exitUsage, err}
	}
	return edit(p, ringside.Edit{Kind: c.Kind, Op: ringside.EditDelete, Entity: id}, c.Confirm, c.JSON)
}

func entityID(kind, text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 {
		return 0, fmt.Errorf("%q is no id of a %s: name the id as 'directory show --json' tells it, before the fields", safe(text), safe(kind))
	}
	return id, nil
}

// edit carries an edit out and says what it has changed.
func edit(p *program, e ringside.Edit, confirmed, asJSON bool) error {
	if err := wellFormed(e); err != nil {
		return exitError{exitUsage, err}
	}
	daemon, err := p.daemon()
	if err != nil {
		return err
	}
	e.Author = userName()
	o, err := daemon.EditDirectory(p.ctx, control.DirectoryEdit{Edit: e, Confirmed: confirmed})
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(p.out, o)
	}
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(p.out, format, args...) }
	if o.Result == "unchanged" {
		say("Nothing changes: it is so already.\n")
		return nil
	}
	printEdition(p.out, &o.Edition, true)
	for _, problem := range o.Problems {
		say("  %s: %s\n", problem.Severity, safe(problem.String()))
	}
	for _, change := range o.Edition.Changes {
		if strings.HasSuffix(change, "account.can_receive_external_calls nothing → false") {
			say("  Attention: with an account of its own, the number gets no calls from outside any more; account.can_receive_external_calls=true allows them.\n")
		}
	}
	if o.State.Pending > 0 {
		say("It works from now on, and waits for the CRM's word: 'ringside directory edits' tells it.\n")
	}
	if o.Unsaved != "" {
		say("It works, but is not on the disk: %s\n", safe(o.Unsaved))
	}
	return nil
}

// wellFormed says what is wrong with an edit before the daemon is asked, so that it counts as wrong usage.
func wellFormed(e ringside.Edit) error {
	if e.Op == ringside.EditCreate && e.Entity == 0 {
		var given struct {
			ID int64 `json:"id"`
		}
		if json.Unmarshal(e.Fields, &given) == nil && given.ID != 0 {
			e.Entity = given.ID
		} else {
			e.Entity = 1 // the daemon gives it one
		}
	}
	return e.Validate()
}

// typedFields makes a merge patch of field=value as it is typed.
func typedFields(kind string, typed []string) (json.RawMessage, error) {
	patch := map[string]any{}
	for _, t := range typed {
		field, text, ok := strings.Cut(t, "=")
		if !ok || field == "" {
			return nil, fmt.Errorf("%q is no field=value", safe(t))
		}
		value, err := ringside.FieldValue(kind, field, text)
		if err != nil {
			return nil, err
		}
		if err := put(patch, strings.Split(field, "."), value); err != nil {
			return nil, fmt.Errorf("%s: %w", safe(field), err)
		}
	}
	return json.Marshal(patch)
}

// put stores the value under a path of keys.
func put(patch map[string]any, path []string, value json.RawMessage) error {
	old, given := patch[path[0]]
	inner, nested := old.(map[string]any)
	switch {
	case len(path) == 1 && given, given && !nested:
		return errors.New("the field is given twice")
	case len(path) == 1:
		patch[path[0]] = value
		return nil
	case !given:
		inner = map[string]any{}
		patch[path[0]] = inner
	}
	return put(inner, path[1:], value)
}

type directoryEditsCmd struct {
	Forget bool `help:"Forget the rejected ones, once you have seen them."`
	JSON   bool `help:"Print JSON." name:"json"`
}

// Run implements the command.
func (c *directoryEditsCmd) Run(p *program) error {
	if c.Forget && c.JSON {
		return exitError{exitUsage, errors.New("--forget and --json exclude each other")}
	}
	daemon, err := p.daemon()
	if err != nil {
		return err
	}
	if c.Forget {
		n, err := daemon.ForgetEdits(p.ctx)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(p.out, "%s forgotten.\n", count(n, "rejected edit is", "rejected edits are"))
		return nil
	}
	all, err := daemon.Edits(p.ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p.out, all)
	}
	rejected := false
	for i := range all {
		printEdit(p, &all[i])
		rejected = rejected || all[i].State == ringside.EditRejected
	}
	if rejected {
		_, _ = fmt.Fprintln(p.out, "'ringside directory edits --forget' forgets the rejected ones.")
	}
	if len(all) == 0 {
		_, _ = fmt.Fprintln(p.out, "No edits are pending, accepted or rejected.")
	}
	return nil
}

// printEdit prints an edit with the CRM's word on it.
func printEdit(p *program, e *ringside.Edit) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(p.out, format, args...) }
	what := safe(e.Kind)
	if e.Entity != 0 {
		what = titled(what, e.Entity, "")
	}
	say("%s  %-8s  %s %s by %s\n", e.At.Local().Format("2006-01-02 15:04:05"), e.State, e.Op, what, safe(e.Author))
	if fields := fieldsInWords(e.Fields); len(fields) > 0 {
		say("        %s\n", safe(strings.Join(fields, " ")))
	}
	switch e.State {
	case ringside.EditAccepted:
		if e.Version == "" {
			say("        the CRM's next version will contain it\n")
		} else {
			say("        the CRM's version %s will contain it\n", safe(e.Version))
		}
	case ringside.EditRejected:
		say("        rejected: %s\n", safe(e.Reason))
		ours, theirs := bothSides(e.Ours, e.Theirs)
		say("        ours:   %s\n        theirs: %s\n", safe(ours), safe(theirs))
	}
}
