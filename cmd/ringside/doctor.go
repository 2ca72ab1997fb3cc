package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/ami"
	"github.com/ringside-pbx/ringside/control"
)

type doctorCmd struct {
	Etc        string `help:"Asterisk's folder of configuration files; those that may be read are." default:"/etc/asterisk" type:"path" placeholder:"DIR"`
	FreeSWITCH string `help:"FreeSWITCH's folder of configuration files, if esl.address is set; those that may be read are." name:"freeswitch" default:"/etc/freeswitch" type:"path" placeholder:"DIR"`
	JSON       bool   `help:"Print JSON." name:"json"`
}

// verdict is what a check found.
type verdict string

const (
	checkOK      verdict = "ok"
	checkAdvice  verdict = "advice"
	checkProblem verdict = "problem"
	checkSkipped verdict = "not checked"
)

// finding is one check's outcome, and the lines that put it right.
type finding struct {
	Area    string   `json:"area"`
	Verdict verdict  `json:"verdict"`
	Text    string   `json:"text"`
	Changes []change `json:"changes,omitempty"`
}

// change is lines of one file, or of a shell.
type change struct {
	File string `json:"file"`
	// Section is where in the file.
	Section string   `json:"section,omitempty"`
	Lines   []string `json:"lines"`
}

// shell is the "file" of lines that are commands.
const shell = "a shell"

// doctor examines all that stands between ringside and its PBX. It changes nothing.
type doctor struct {
	p   *program
	etc string
	// switchEtc is FreeSWITCH's folder.
	switchEtc string
	conf      confReader
	area      string
	all       []finding

	cfg    *Config
	token  ringside.Secret
	login  ami.Login
	daemon *control.Client
	status *control.Status // nil without a running daemon

	manager *asteriskConf
	session *ami.Session
	// may are the actions that the user may use, with the classes of which each needs one; nil if they are
	// not known.
	may    map[string][]string
	rights rights
	// stasis: the dialplan hands calls over through ARI.
	stasis bool
	// rings is the dialplan's RINGSIDE_FALLBACK; empty if it is not known.
	rings string
}

// doctorWithin bounds the whole examination, questionWithin one question.
const (
	doctorWithin   = 2 * time.Minute
	questionWithin = 10 * time.Second
)

// Run implements the command.
func (c *doctorCmd) Run(p *program) error {
	ctx, cancel := context.WithTimeout(p.ctx, doctorWithin)
	defer cancel()
	d := &doctor{p: p, etc: c.Etc, switchEtc: c.FreeSWITCH, conf: diskReader()}
	d.examine(ctx)
	if err := d.report(p.out, c.JSON); err != nil {
		return err
	}
	if n := d.count(checkProblem); n > 0 {
		return exitError{exitProblems, errors.New(count(n, "problem was found", "problems were found"))}
	}
	return nil
}

// examine makes every check. Each says why it can't be made, if it can't.
func (d *doctor) examine(ctx context.Context) {
	d.area = "ringside"
	if !d.ownConfig() {
		return
	}
	d.ownFiles()
	d.ownDaemon(ctx)
	d.area = "FastAGI"
	d.fastAGI(ctx)
	spool := ""
	if d.usesAsterisk() {
		spool = d.asterisk(ctx)
	}
	if d.cfg.ESL.Address != "" {
		d.freeswitch(ctx)
	}
	d.area = "clock"
	d.crmClock()
	d.area = "disk"
	d.disks(spool)
}

// usesAsterisk reports whether ringside serves an Asterisk: unless only FreeSWITCH is configured.
func (d *doctor) usesAsterisk() bool {
	return d.cfg.AMI.Address != "" || d.cfg.ARI.URL != "" || d.cfg.ESL.Address == ""
}

// asterisk makes the checks of Asterisk, and gives its folder for recordings.
func (d *doctor) asterisk(ctx context.Context) (spool string) {
	d.area = "manager.conf"
	d.managerFile()
	d.area = "asterisk.conf"
	spool = d.asteriskFile()
	d.area = "manager"
	if d.connect(ctx) {
		defer d.session.Close()
		d.area = "rights"
		d.examineRights(ctx)
		d.area = "dialplan"
		d.dialplan(ctx)
		d.area = "modules"
		d.modules(ctx)
		d.area = "clock"
		d.clocks(ctx)
	}
	d.area = "records"
	d.recordFiles()
	d.area = "ARI"
	d.restInterface(ctx)
	return spool
}

// add records a finding. All that came from files or from the PBX is made safe for a terminal here.
func (d *doctor) add(v verdict, text string, changes ...change) {
	for i := range changes {
		c := &changes[i]
		c.File, c.Section = safe(c.File), safe(c.Section)
		for j := range c.Lines {
			c.Lines[j] = safe(c.Lines[j])
		}
	}
	d.all = append(d.all, finding{d.area, v, safe(text), changes})
}

func (d *doctor) ok(format string, args ...any) { d.add(checkOK, fmt.Sprintf(format, args...)) }

func (d *doctor) skip(format string, args ...any) { d.add(checkSkipped, fmt.Sprintf(format, args...)) }

func (d *doctor) count(v verdict) (n int) {
	for i := range d.all {
		if d.all[i].Verdict == v {
			n++
		}
	}
	return n
}

// to makes a change; file is the name of a file of Asterisk's.
func (d *doctor) to(file, section string, lines ...string) change {
	return change{filepath.Join(d.etc, file), section, lines}
}

// read reads one of Asterisk's files; why not is a finding unless the file is not there.
func (d *doctor) read(name string) (*asteriskConf, error) {
	conf, err := loadConf(d.etc, name, d.conf)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			d.skip("%s can't be read: %s", filepath.Join(d.etc, name), reason(err))
		}
		return nil, err
	}
	for _, fault := range conf.faults {
		d.add(checkAdvice, "Asterisk does not take a line: "+fault)
	}
	for _, file := range conf.unread {
		d.skip("%s includes %s, which can't be read here", name, file)
	}
	return conf, nil
}

// reason is an error without the path that stands beside it already.
func reason(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}

// report prints one line per check, then what to change, once for all findings that ask for the same.
func (d *doctor) report(out io.Writer, asJSON bool) error {
	if asJSON {
		return printJSON(out, struct {
			Problems int       `json:"problems"`
			Advice   int       `json:"advice"`
			Skipped  int       `json:"not_checked"`
			Checks   []finding `json:"checks"`
		}{d.count(checkProblem), d.count(checkAdvice), d.count(checkSkipped), append([]finding{}, d.all...)})
	}
	var b strings.Builder
	var remedies []string
	var reasons [][]string
	for i := range d.all {
		f := &d.all[i]
		fmt.Fprintf(&b, "%-11s  %-13s  %s", f.Verdict, f.Area, f.Text)
		if len(f.Changes) > 0 {
			r := remedy(f.Changes)
			at := slices.Index(remedies, r)
			if at < 0 {
				at = len(remedies)
				remedies, reasons = append(remedies, r), append(reasons, nil)
			}
			reasons[at] = append(reasons[at], f.Text)
			fmt.Fprintf(&b, " (%d)", at+1)
		}
		b.WriteString("\n")
	}
	if len(remedies) > 0 {
		b.WriteString("\nWhat to change:\n")
	}
	for i, r := range remedies {
		fmt.Fprintf(&b, "\n(%d) %s\n%s", i+1, strings.Join(reasons[i], "\n    "), r)
	}
	if then := d.reloads(); len(then) > 0 {
		b.WriteString("\nThen, in a shell:\n    " + strings.Join(then, "\n    ") + "\n")
	}
	fmt.Fprintf(&b, "\n%s, %s, %d not checked.\n", count(d.count(checkProblem), "problem", "problems"),
		count(d.count(checkAdvice), "piece of advice", "pieces of advice"), d.count(checkSkipped))
	_, err := io.WriteString(out, b.String())
	return err
}

// reloads are the commands after which the changes are in effect.
func (d *doctor) reloads() (commands []string) {
	for i := range d.all {
		for _, c := range d.all[i].Changes {
			command := ""
			switch name := filepath.Base(c.File); {
			case d.switchEtc != "" && strings.HasPrefix(c.File, d.switchEtc+"/"):
				command = switchReload(name)
			case c.File == shell, !strings.HasSuffix(name, ".conf"):
			case d.manager != nil && c.File == d.toUser().File, name == "manager.conf":
				command = `asterisk -rx "manager reload"`
			case name == "extensions.conf":
				command = `asterisk -rx "dialplan reload"`
			case name == "cdr_manager.conf":
				command = `asterisk -rx "module reload cdr_manager.so"`
			case name == "cel.conf", name == "cdr.conf":
				command = `asterisk -rx "module reload ` + strings.TrimSuffix(name, ".conf") + `"`
			case name == "http.conf", name == "ari.conf":
				command = `asterisk -rx "module reload ` + strings.Replace(strings.TrimSuffix(name, ".conf"), "ari", "res_ari.so", 1) + `"`
			default: // asterisk.conf, modules.conf
				command = `asterisk -rx "core restart when convenient"`
			}
			if command == "" && c.File == d.configFile() {
				command = "systemctl restart ringside"
			}
			if command != "" && !slices.Contains(commands, command) {
				commands = append(commands, command)
			}
		}
	}
	return commands
}

// switchReload is the command after which FreeSWITCH has read a file again.
func switchReload(name string) string {
	switch name {
	case "event_socket.conf.xml":
		return `fs_cli -x "reload mod_event_socket"`
	case "modules.conf.xml", "switch.conf.xml":
		return `fs_cli -x "fsctl shutdown elegant restart"`
	}
	return `fs_cli -x reloadxml`
}

// remedy writes changes.
func remedy(changes []change) string {
	var b strings.Builder
	for _, c := range changes {
		b.WriteString("  in " + c.File)
		if c.Section != "" {
			b.WriteString(" [" + c.Section + "]")
		}
		b.WriteString(":\n")
		for _, line := range c.Lines {
			b.WriteString("    " + line + "\n")
		}
	}
	return b.String()
}

// ask limits one question.
func ask(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, questionWithin)
}

// storeStatus is the store's part of the daemon's status.
func (d *doctor) storeStatus() (st storeState, ok bool) {
	return st, d.status != nil && json.Unmarshal(d.status.Store, &st) == nil
}
