package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ringside-pbx/ringside/ami"
)

// connect logs in as ringside does.
func (d *doctor) connect(ctx context.Context) bool {
	if d.cfg.AMI.Address == "" {
		d.skip("what only a running Asterisk can tell: ami.address is not set")
		return false
	}
	login, err := d.cfg.AMI.login()
	if err != nil {
		d.add(checkProblem, err.Error())
		return false
	}
	login.Events = "system" // for FullyBooted; nothing else is wanted
	d.login = login
	ctx, cancel := ask(ctx)
	defer cancel()
	s, err := ami.Connect(ctx, login, nil)
	if err != nil {
		d.loginFailed(err)
		d.skip("what only a running Asterisk can tell: rights, dialplan, modules, clock")
		return false
	}
	d.session = s
	d.ok("logged in to %s as %s (%s, manager interface %s)", d.cfg.AMI.Address, d.cfg.AMI.Username,
		whether(d.cfg.AMI.TLS, "TLS", "in the clear"), s.Version())
	return true
}

// loginFailed says why nobody could log in, as exactly as can be known.
func (d *doctor) loginFailed(err error) {
	var refused *ami.AuthError
	name := d.cfg.AMI.Username
	switch {
	case errors.As(err, &refused) && d.manager != nil:
		u := d.manager.whole(name)
		at, known := d.source()
		switch {
		case u == nil: // told already, with the lines
			d.add(checkProblem, "Asterisk refuses the login: there is no user ["+name+"]")
		case known && !permitted(u, at):
			d.add(checkProblem, fmt.Sprintf("Asterisk refuses the login: the permit lines of [%s] leave out %s", name, at),
				d.toUser(d.permitLines()...))
		case u.value("secret") == d.ownSecret():
			d.add(checkProblem, "Asterisk refuses the login, though user and secret are those of manager.conf: it has not read them yet",
				change{File: shell, Lines: []string{`asterisk -rx "manager reload"`}})
		default:
			d.add(checkProblem, "Asterisk refuses the login: the secret is wrong")
		}
	case errors.As(err, &refused):
		d.add(checkProblem, fmt.Sprintf("Asterisk refuses the login (%s): there is no such user, the secret is wrong, or the permit lines leave this machine out; run the doctor where it may read manager.conf to know which", refused.Message),
			d.to("manager.conf", "", d.userSection()...))
	case errors.Is(err, syscall.ECONNREFUSED):
		d.add(checkProblem, fmt.Sprintf("nobody listens on %s: Asterisk does not run, or its manager interface is off or elsewhere", d.cfg.AMI.Address),
			d.to("manager.conf", "general", d.listenLines()...), change{File: shell, Lines: []string{`asterisk -rx "manager reload"`}})
	default:
		d.add(checkProblem, err.Error())
	}
}

func (d *doctor) listenLines() []string {
	host, port, _ := net.SplitHostPort(d.cfg.AMI.Address)
	if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
		host = "127.0.0.1"
	}
	if d.cfg.AMI.TLS {
		return []string{"enabled = yes", "tlsenable = yes", "tlsbindaddr = " + net.JoinHostPort(host, port)}
	}
	return []string{"enabled = yes", "bindaddr = " + host, "port = " + port}
}

// rights are the classes of the manager user's "write" as far as they follow from the actions that it may
// use. What is in neither list is not known.
type rights struct{ have, lack []string }

func (r rights) has(class string) bool { return slices.Contains(r.have, class) }

// core are actions that every Asterisk has, with the classes of which one is needed. What ListCommands
// leaves out of them is not allowed.
func coreActions() map[string][]string {
	return map[string][]string{
		"Originate": {"originate"}, "Redirect": {"call"}, "Setvar": {"call"}, "Command": {"command"}, "UpdateConfig": {"config"},
		"ModuleCheck": {"system"}, "ModuleLoad": {"system"}, "UserEvent": {"user"}, "Hangup": {"system", "call"},
		"Getvar": {"call", "reporting"}, "CoreSettings": {"system", "reporting"}, "CoreShowChannels": {"system", "reporting"},
		"ShowDialPlan": {"config", "reporting"},
	}
}

// deduce finds the classes: an action that is there needs one of its classes, one that is not has none.
func deduce(may map[string][]string) (r rights) {
	core := coreActions()
	if _, ok := may["QueueStatus"]; ok {
		core["QueueAdd"] = []string{"agent"} // app_queue is loaded
	}
	lack := map[string]bool{}
	for action, needs := range core {
		if _, ok := may[action]; !ok {
			for _, class := range needs {
				lack[class] = true
			}
		}
	}
	have := map[string]bool{}
	for _, needs := range may {
		left := slices.DeleteFunc(slices.Clone(needs), func(class string) bool { return lack[class] })
		if len(left) == 1 {
			have[left[0]] = true
		}
	}
	r.have, r.lack = keys(have), keys(lack)
	return r
}

func keys[V any](m map[string]V) []string {
	list := make([]string, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}

// commands reads what ListCommands tells: a header per action that the user may use.
func commands(m ami.Message) map[string][]string {
	may := map[string][]string{}
	for name, value := range m.Headers() {
		const mark = "(Priv: "
		at := strings.LastIndex(string(value), mark)
		if at < 0 {
			continue
		}
		privileges, closed := strings.CutSuffix(strings.TrimSpace(string(value)[at+len(mark):]), ")")
		if !closed {
			continue
		}
		needs := []string{}
		for _, class := range classes(privileges) {
			if class != "all" && class != "<none>" {
				needs = append(needs, class)
			}
		}
		may[string(name)] = needs
	}
	return may
}

// bootedWithin is how long Asterisk may take to say after a login that it has booted: it says so in the
// same millisecond.
const bootedWithin = 500 * time.Millisecond

// examineRights compares what the user may do with what ringside does.
func (d *doctor) examineRights(ctx context.Context) {
	ctx, cancel := ask(ctx)
	defer cancel()
	select {
	case <-d.session.Booted():
		d.ok("it is told that Asterisk has booted: the user may read system")
	case <-time.After(bootedWithin):
		if d.manager != nil && mayRead(d.manager.whole(d.cfg.AMI.Username), "system") {
			d.add(checkAdvice, "Asterisk does not say that it has booted: it still starts, or has not read manager.conf again",
				change{File: shell, Lines: []string{`asterisk -rx "manager reload"`}})
		} else {
			d.add(checkAdvice, "it is not told when Asterisk has booted: the user may not read system",
				d.toUser("read = "+strings.Join(d.wantedRead(), ",")))
		}
	}
	m, err := d.session.Do(ctx, ami.NewAction("ListCommands"))
	if err != nil {
		d.skip("what the user may do: %v", err)
		return
	}
	if d.may = commands(m); len(d.may) == 0 {
		d.skip("what the user may do: ListCommands tells nothing")
		return
	}
	d.rights = deduce(d.may)
	if d.manager == nil {
		d.skip("what the user may read beside system: manager.conf can't be read here")
	}
	d.missingRights()
	d.excessRights()
}

// lostWithout says what ringside can't do without a class of "write".
func lostWithout(class string) string {
	switch class {
	case "call":
		return "no transfers, parking, keys, variables, hanging up, device states"
	case "reporting":
		return "no check of the dialplan before a transfer, no report on the system"
	case "agent":
		return "members of queues can't be added, removed or paused"
	case "originate":
		return "no click to call, no listening in"
	}
	return ""
}

func (d *doctor) missingRights() {
	missing := false
	for _, class := range wantedWrite() {
		v := checkProblem
		switch {
		case slices.Contains(d.rights.lack, class):
		case d.rights.has(class):
			continue
		case class == "agent":
			d.skip("whether the user may write agent: app_queue is not loaded")
			continue
		default:
			continue // another class does for every action of it
		}
		if class == "originate" || class == "agent" {
			v = checkAdvice // a site may not want it
		}
		missing = true
		d.add(v, fmt.Sprintf("the user may not write %s: %s", class, lostWithout(class)), d.writeLine())
	}
	if !missing {
		d.ok("the user may do what ringside does: %s", strings.Join(wantedWrite(), ", "))
	}
}

// excessRights: "command" and "config" open a shell on the PBX, and so does "system", without which some
// functions are lost.
func (d *doctor) excessRights() {
	excess := false
	for _, x := range [][2]string{
		{"command", "it runs every command of Asterisk's console"}, {"config", "it rewrites Asterisk's files, and reads secrets from them"},
	} {
		if d.rights.has(x[0]) {
			excess = true
			d.add(checkProblem, fmt.Sprintf("the user may write %s, which is as good as a shell on the PBX (%s) and is not used", x[0], x[1]), d.writeLine())
		}
	}
	if d.rights.has("system") {
		d.add(checkAdvice, "the user may write system, which is as good as a shell on the PBX; keep it only for recording and muting on demand and for the contacts of phones",
			d.toUser("write = "+strings.Join(d.writeClasses(false), ",")))
		return
	}
	switch {
	case excess:
	case len(d.unknown("system", "command", "config")) > 0:
		d.skip("whether the user may write %s", strings.Join(d.unknown("system", "command", "config"), ", "))
	default:
		d.ok("the user may write neither system, command nor config, which open a shell; without system ringside can't record or mute on demand")
	}
}

// unknown are those of the classes of which nothing is known.
func (d *doctor) unknown(classes ...string) []string {
	return slices.DeleteFunc(classes, func(class string) bool { return d.rights.has(class) || slices.Contains(d.rights.lack, class) })
}

// writeLine gives the user what ringside needs, keeps system and user if they are there, and takes the rest.
func (d *doctor) writeLine() change {
	return d.toUser("write = " + strings.Join(d.writeClasses(d.rights.has("system")), ","))
}

func (d *doctor) writeClasses(system bool) []string {
	line := wantedWrite()
	if system {
		line = append([]string{"system"}, line...)
	}
	if d.rights.has("user") {
		line = append(line, "user")
	}
	return line
}
