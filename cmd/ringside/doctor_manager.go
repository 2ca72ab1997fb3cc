package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// managerFile examines manager.conf.
func (d *doctor) managerFile() {
	if d.cfg.AMI.Address == "" {
		d.skip("ringside does not use the manager interface (ami.address is not set): no live states, no call control")
		return
	}
	conf, err := d.read("manager.conf")
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			d.skip("there is no %s/manager.conf here: name Asterisk's folder with --etc", d.etc)
		}
		return
	}
	d.manager = conf
	general := conf.section("general")
	if !confTrue(general.value("enabled")) {
		d.add(checkProblem, "the manager interface is off", d.to("manager.conf", "general", "enabled = yes"))
	} else {
		d.ok("the manager interface is on")
	}
	d.managerAddress(general)
	d.managerPort(general)
	if confTrue(general.value("webenabled")) {
		d.add(checkAdvice, "the manager interface is served over HTTP, too, which ringside does not use", d.to("manager.conf", "general", "webenabled = no"))
	}
	if confTrue(general.value("timestampevents")) {
		d.ok("events carry a time: forged ones can be told by it")
	} else {
		d.add(checkAdvice, "events carry no time, by which ringside turns forged ones away (a caller may put line breaks in a number)",
			d.to("manager.conf", "general", "timestampevents = yes"))
	}
	d.managerUser(conf.whole(d.cfg.AMI.Username), general)
}

// managerAddress looks at who can reach the manager interface.
func (d *doctor) managerAddress(general *confSection) {
	bind := general.value("bindaddr")
	fix := d.to("manager.conf", "general", "bindaddr = 127.0.0.1")
	switch host := bindHost(bind); {
	case d.remote():
		if !confTrue(general.value("tlsenable", "sslenable")) {
			d.add(checkProblem, "ringside is on another machine, and the manager interface has no TLS",
				d.to("manager.conf", "general", "tlsenable = yes", "tlsbindaddr = 0.0.0.0:5039", "tlscertfile = /etc/asterisk/keys/asterisk.pem"))
			return
		}
		d.ok("the manager interface has TLS for ringside on another machine")
	case isLoopback(host):
		d.ok("it listens on this machine only (%s)", bind)
	default:
		where := "on every address (bindaddr is not set)"
		if bind != "" {
			where = "on " + bind
		}
		if open := d.openUsers(); len(open) > 0 {
			d.add(checkProblem, fmt.Sprintf("it listens %s, and not every user has deny and permit lines: %s", where, strings.Join(open, ", ")), fix)
			return
		}
		d.add(checkAdvice, fmt.Sprintf("it listens %s; only deny and permit lines hold strangers off, and secrets go in the clear", where), fix)
	}
	if confTrue(general.value("tlsenable", "sslenable")) {
		tlsBind := general.value("tlsbindaddr", "sslbindaddr")
		if host := bindHost(cmp.Or(tlsBind, bind)); !isLoopback(host) && !d.remote() {
			d.add(checkAdvice, "with TLS it listens on other addresses than this machine's own", d.to("manager.conf", "general", "tlsbindaddr = 127.0.0.1:5039"))
		}
	}
}

// remote reports whether ringside reaches Asterisk over a network.
func (d *doctor) remote() bool { return !onLoopback(d.cfg.AMI.Address) }

func bindHost(bind string) string {
	if host, _, err := net.SplitHostPort(bind); err == nil {
		return host
	}
	return strings.Trim(bind, "[]")
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || host == "localhost"
}

// openUsers are the manager users who may log in from anywhere.
func (d *doctor) openUsers() (open []string) {
	for _, s := range d.manager.sections {
		if s.template || strings.EqualFold(s.name, "general") || slices.Contains(open, s.name) {
			continue
		}
		u := d.manager.whole(s.name)
		if u.has("secret") && !u.has("acl") && permitted(u, netip.MustParseAddr("192.0.2.1")) {
			open = append(open, s.name)
		}
	}
	return open
}

func (d *doctor) managerPort(general *confSection) {
	_, ours, _ := net.SplitHostPort(d.cfg.AMI.Address)
	port := cmp.Or(general.value("port"), "5038")
	if d.cfg.AMI.TLS {
		bind := general.value("tlsbindaddr", "sslbindaddr")
		if !confTrue(general.value("tlsenable", "sslenable")) {
			d.add(checkProblem, "ringside asks for TLS, which is off", d.to("manager.conf", "general", "tlsenable = yes", "tlsbindaddr = 127.0.0.1:"+ours))
			return
		}
		if _, p, err := net.SplitHostPort(bind); err == nil {
			port = p
		} else {
			port = "5039"
		}
	}
	if port == ours {
		d.ok("it listens on the port that ringside calls (%s)", ours)
		return
	}
	d.add(checkProblem, fmt.Sprintf("it listens on port %s, ringside calls %s", port, ours),
		change{File: d.configFile(), Lines: []string{"ami:", "  address: " + net.JoinHostPort(bindHost(d.cfg.AMI.Address), port)}})
}

// managerUser examines the section of ringside's user.
func (d *doctor) managerUser(u, general *confSection) {
	name := d.cfg.AMI.Username
	if u == nil {
		d.add(checkProblem, fmt.Sprintf("there is no user [%s]", name), d.to("manager.conf", "", d.userSection()...))
		return
	}
	secret := u.value("secret")
	switch why := weakSecret(name, secret); {
	case why != "":
		d.add(checkProblem, fmt.Sprintf("the secret of [%s] is %s", name, why),
			d.toUser(howToMake, "secret = NEW-SECRET"), d.toOurSecret("NEW-SECRET"))
	case d.ownSecret() != secret:
		d.add(checkProblem, fmt.Sprintf("the secret of [%s] is not the one in ringside's configuration", name),
			d.toOurSecret("THE-ONE-OF-MANAGER.CONF"))
	default:
		d.ok("the secret of [%s] is ringside's, and strong", name)
	}
	if u.has("acl") {
		d.skip("who may log in as [%s]: acl = %s is in acl.conf", name, u.value("acl"))
	} else if permitted(u, netip.MustParseAddr("192.0.2.1")) {
		d.add(checkProblem, fmt.Sprintf("[%s] may log in from anywhere", name), d.toUser(d.permitLines()...))
	} else if at, ok := d.source(); ok && !permitted(u, at) {
		d.add(checkProblem, fmt.Sprintf("[%s] may not log in from %s, which is this machine", name, at), d.toUser(d.permitLines()...))
	} else {
		d.ok("deny and permit lines hold strangers off from [%s]", name)
	}
	if u.has("displayconnects") && !confTrue(u.value("displayconnects")) || !u.has("displayconnects") && general.has("displayconnects") && !confTrue(general.value("displayconnects")) {
		d.ok("logins of [%s] don't fill Asterisk's log", name)
	} else {
		d.add(checkAdvice, fmt.Sprintf("each login of [%s] is written to Asterisk's log", name), d.toUser("displayconnects = no"))
	}
	if filter := u.value("eventfilter"); filter != "" || u.has("eventfilter") {
		d.add(checkAdvice, fmt.Sprintf("[%s] has an event filter: ringside does not see what it holds back", name))
	}
	d.readClasses(u)
}

// toUser makes a change of ringside's user, in the file where its section stands.
func (d *doctor) toUser(lines ...string) change {
	c := d.to("manager.conf", d.cfg.AMI.Username, lines...)
	if d.manager != nil {
		if u := d.manager.whole(d.cfg.AMI.Username); u != nil {
			c.File = u.file
		}
	}
	return c
}

// toOurSecret says where ringside's side of the secret stands.
func (d *doctor) toOurSecret(what string) change {
	if d.cfg.AMI.SecretFile != "" {
		return change{File: d.cfg.AMI.SecretFile, Lines: []string{what}}
	}
	return change{File: d.configFile(), Lines: []string{"ami:", "  secret: " + what}}
}

func mayRead(u *confSection, class string) bool {
	have := classes(u.value("read"))
	return slices.Contains(have, class) || slices.Contains(have, "all")
}

// howToMake stands before a line with a secret that the operator is to choose.
const howToMake = "; made with: openssl rand -hex 24"

func (d *doctor) ownSecret() string {
	s, err := secretOf("ami.secret_file", d.cfg.AMI.Secret, d.cfg.AMI.SecretFile)
	if err != nil {
		return ""
	}
	return s.Reveal()
}

// wellKnown are secrets that stand in examples and products.
var wellKnown = []string{ //nolint:gochecknoglobals // a table
	"secret", "password", "admin", "amp111", "amp109", "mysecret", "secret5", "mark", "asterisk", "manager", "changeme", "1234567890", "eladmin", "passw0rd", "ringside",
}

// weakSecret says what makes a secret easy to guess; empty if nothing does.
func weakSecret(user, secret string) string {
	lower := strings.ToLower(secret)
	switch {
	case secret == "":
		return "empty"
	case slices.Contains(wellKnown, lower):
		return "one that everybody knows"
	case lower == strings.ToLower(user):
		return "the user's name"
	case len(secret) < 12:
		return "shorter than 12 characters"
	case strings.Count(secret, secret[:1]) == len(secret):
		return "one character again and again"
	}
	return ""
}

// permitted evaluates deny and permit lines as Asterisk does: the last one that matches counts.
func permitted(u *confSection, ip netip.Addr) bool {
	sense := true
	for _, v := range u.vars {
		permit := strings.EqualFold(v.name, "permit")
		if !permit && !strings.EqualFold(v.name, "deny") {
			continue
		}
		for text := range strings.SplitSeq(v.value, ",") {
			text, negated := strings.CutPrefix(strings.TrimSpace(text), "!")
			if p, ok := confNetwork(text); ok && p.Contains(ip) {
				sense = permit != negated
			}
		}
	}
	return sense
}

// confNetwork reads 10.0.0.0/8, 10.0.0.0/255.0.0.0 or an address.
func confNetwork(text string) (netip.Prefix, bool) {
	if p, err := parsePrefix(text); err == nil {
		return p, true
	}
	address, mask, _ := strings.Cut(text, "/")
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Prefix{}, false
	}
	m := net.ParseIP(mask).To4()
	if m == nil || !ip.Is4() {
		return netip.Prefix{}, false
	}
	ones, bits := net.IPMask(m).Size()
	if bits == 0 {
		return netip.Prefix{}, false // no network's mask
	}
	return netip.PrefixFrom(ip, ones).Masked(), true
}

// source is the address from which Asterisk sees this machine. It sends nothing.
func (d *doctor) source() (netip.Addr, bool) {
	conn, err := net.Dial("udp", d.cfg.AMI.Address) //nolint:noctx // no packet is sent and no name is looked up but ami.address
	if err != nil {
		return netip.Addr{}, false
	}
	defer func() { _ = conn.Close() }()
	at, err := netip.ParseAddrPort(conn.LocalAddr().String())
	return at.Addr().Unmap(), err == nil
}

func (d *doctor) permitLines() []string {
	permit := "permit = 127.0.0.1/255.255.255.255"
	if at, ok := d.source(); ok && !at.IsLoopback() {
		permit = "permit = " + at.String() + "/128"
		if at.Is4() {
			permit = "permit = " + at.String() + "/255.255.255.255"
		}
	}
	return []string{"deny = 0.0.0.0/0.0.0.0", permit}
}

// userSection is the whole section of a user who has what ringside needs, and no more.
func (d *doctor) userSection() []string {
	lines := []string{"[" + d.cfg.AMI.Username + "]", howToMake, "secret = NEW-SECRET"}
	lines = append(lines, d.permitLines()...)
	return append(lines, "displayconnects = no", "read = "+strings.Join(d.wantedRead(), ","), "write = "+strings.Join(wantedWrite(), ","))
}

// wantedRead are the classes of events that ringside asks for.
func (d *doctor) wantedRead() []string {
	wanted := strings.Split(d.cfg.AMI.Events, ",")
	if slices.Contains(wanted, "all") {
		wanted = strings.Split(defaultAMI().Events, ",")
	}
	if !slices.Contains(wanted, "system") {
		wanted = append([]string{"system"}, wanted...)
	}
	return wanted
}

// wantedWrite are the classes of actions that ringside needs.
func wantedWrite() []string { return []string{"call", "agent", "originate", "reporting"} }

// classes reads a list of classes of manager.conf.
func classes(text string) (list []string) {
	for class := range strings.SplitSeq(text, ",") {
		if class = strings.ToLower(strings.TrimSpace(class)); class != "" {
			list = append(list, class)
		}
	}
	return list
}

// readClasses compares the user's "read" with the events that ringside asks for.
func (d *doctor) readClasses(u *confSection) {
	var lacks []string
	for _, class := range d.wantedRead() {
		if !mayRead(u, class) {
			lacks = append(lacks, class)
		}
	}
	if len(lacks) == 0 {
		d.ok("[%s] may read the events that ringside asks for", u.name)
		return
	}
	d.add(checkProblem, fmt.Sprintf("[%s] may not read: %s (%s)", u.name, strings.Join(lacks, ", "), lostWithoutRead(lacks)),
		d.toUser("read = "+strings.Join(d.wantedRead(), ",")))
}

func lostWithoutRead(lacks []string) string {
	what := map[string]string{
		"system": "when Asterisk has booted or shuts down", "call": "calls and the states of devices", "agent": "queues",
		"cdr": "what calls cost in time", "user": "events of the site's own dialplan",
	}
	var lost []string
	for _, class := range lacks {
		if text := what[class]; text != "" {
			lost = append(lost, text)
		}
	}
	if len(lost) == 0 {
		return "ami.events asks for them"
	}
	return "ringside does not see " + strings.Join(lost, "; ")
}
