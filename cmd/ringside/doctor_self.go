package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/ringside-pbx/ringside/control"
	crmsync "github.com/ringside-pbx/ringside/sync"
)

// ownConfig loads ringside's configuration, without which nothing else can be examined.
func (d *doctor) ownConfig() bool {
	cfg, err := d.p.config()
	if err == nil {
		d.token, err = cfg.token()
	}
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			d.add(checkProblem, line)
		}
		d.skip("all else: the configuration must be sound first")
		return false
	}
	d.cfg = cfg
	d.ok("the configuration is sound; FastAGI on %s, HTTP %s", cfg.AGI.Listen, orNowhere(cfg.HTTP.Listen))
	if !onLoopback(cfg.AGI.Listen) && d.token.IsZero() {
		d.add(checkAdvice, fmt.Sprintf("agi.listen (%s) can be reached from other machines, and FastAGI has no login: set a token, too", cfg.AGI.Listen),
			change{File: d.configFile(), Lines: []string{"agi:", "  token_file: agi.token  # openssl rand -hex 24 makes one"}})
	}
	return true
}

func orNowhere(listen string) string {
	if listen == "" {
		return "nowhere"
	}
	return "on " + listen
}

func (d *doctor) configFile() string {
	if d.p.cli.Config != "" {
		return d.p.cli.Config
	}
	return defaultConfigFile
}

// ownFiles looks at the permissions of the files that hold secrets.
func (d *doctor) ownFiles() {
	c, files := d.cfg, []string{}
	for _, file := range []string{
		c.AGI.TokenFile, c.AMI.SecretFile, c.ARI.PasswordFile, c.ESL.PasswordFile, c.CRM.TokenFile, c.CRM.SigningSecretFile, c.CRM.KeyFile,
		c.HTTP.TokenFile, c.HTTP.SigningSecretFile, c.HTTP.KeyFile,
	} {
		if file != "" {
			files = append(files, file)
		}
	}
	if !c.AGI.Token.IsZero() || !c.AMI.Secret.IsZero() || !c.ARI.Password.IsZero() || !c.ESL.Password.IsZero() || !c.CRM.Token.IsZero() || !c.CRM.SigningSecret.IsZero() ||
		!c.HTTP.Token.IsZero() || !c.HTTP.SigningSecret.IsZero() {
		files = append(files, d.configFile())
	}
	bad := 0
	for _, file := range files {
		info, err := os.Stat(file)
		switch {
		case err != nil:
			bad++
			d.skip("the permissions of %s: %s", file, reason(err))
		case info.Mode().Perm()&0o007 != 0:
			bad++
			d.add(checkProblem, "everybody on this machine may open "+file+", which holds a secret",
				change{File: shell, Lines: []string{"chmod 640 " + shellQuote(file)}})
		}
	}
	if len(files) > 0 && bad == 0 {
		d.ok("%s with secrets, closed to others", count(len(files), "file", "files"))
	}
}

// ownDaemon asks the running daemon how it is.
func (d *doctor) ownDaemon(ctx context.Context) {
	client, err := d.p.daemon()
	if err != nil {
		d.skip("the daemon: %v", err)
		return
	}
	within, cancel := ask(ctx)
	defer cancel()
	s, err := client.Status(within)
	switch {
	case errors.Is(err, control.ErrNoDaemon):
		d.add(checkAdvice, "no daemon runs ("+err.Error()+"): calls fall back to the dialplan's own lines",
			change{File: shell, Lines: []string{"systemctl enable --now ringside"}})
		return
	case err != nil:
		d.add(checkProblem, "the daemon does not answer: "+err.Error())
		return
	}
	d.daemon, d.status = client, &s
	d.ok("the daemon runs: version %s, up for %s", s.Version, age(s.Started))
	restart := change{File: shell, Lines: []string{"systemctl restart ringside"}}
	if s.Version != version {
		d.add(checkAdvice, fmt.Sprintf("the daemon is ringside %s, this program %s", s.Version, version), restart)
	}
	if _, port, _ := net.SplitHostPort(d.cfg.AGI.Listen); port != "0" && !sameAddress(d.cfg.AGI.Listen, s.AGI) {
		d.add(checkProblem, fmt.Sprintf("the daemon listens for the PBX on %s, the configuration says %s", s.AGI, d.cfg.AGI.Listen), restart)
	}
	if !s.Directory.Loaded {
		d.add(checkProblem, "there is no directory: every call is released to the dialplan's own lines",
			change{File: d.configFile(), Lines: []string{"directory:", "  file: directory.yaml"}})
	}
	d.daemonsPBX(within)
}

// daemonsPBX tells how the daemon's own connection with Asterisk is.
func (d *doctor) daemonsPBX(ctx context.Context) {
	if d.cfg.AMI.Address == "" {
		return
	}
	pbx, err := d.daemon.PBX()
	if err != nil {
		return
	}
	h, err := pbx.PBXHealth(ctx)
	switch {
	case err != nil:
		d.add(checkProblem, "the daemon has no connection with the manager interface: "+err.Error())
	case !h.Connection.Connected:
		d.add(checkProblem, "the daemon is not connected with the manager interface: "+h.Connection.Error)
	case h.Connection.Forged > 0:
		d.add(checkAdvice, fmt.Sprintf("somebody calls with line breaks in a number: %s were turned away", count(h.Connection.Forged, "event", "events")))
	default:
		d.ok("the daemon is connected with the manager interface")
	}
}

// sameAddress compares addresses to listen on; one without a host is any host.
func sameAddress(a, b string) bool {
	hostA, portA, err1 := net.SplitHostPort(a)
	hostB, portB, err2 := net.SplitHostPort(b)
	if err1 != nil || err2 != nil || portA != portB {
		return false
	}
	// localhost is one of two addresses; any other of 127.0.0.0/8 is another place.
	named := (hostA == "localhost" || hostB == "localhost") && onLoopback(a) && onLoopback(b)
	return hostA == hostB || anyHost(hostA) || anyHost(hostB) || named
}

func anyHost(host string) bool {
	ip := net.ParseIP(host)
	return host == "" || ip != nil && ip.IsUnspecified()
}

// agiAddress is where the daemon answers the PBX.
func (d *doctor) agiAddress() string {
	if d.status != nil {
		return d.status.AGI
	}
	return d.cfg.AGI.Listen
}

// fastAGI asks ringside who a caller is, as a dialplan would: that makes no call and reserves nobody.
func (d *doctor) fastAGI(ctx context.Context) {
	host, port, err := net.SplitHostPort(d.agiAddress())
	if err != nil {
		d.skip("%v", err)
		return
	}
	if anyHost(host) {
		host = "127.0.0.1"
	}
	address := net.JoinHostPort(host, port)
	ctx, cancel := ask(ctx)
	defer cancel()
	before := time.Now()
	result, err := lookUp(ctx, address, d.token.Reveal())
	took := time.Since(before).Round(100 * time.Microsecond)
	switch {
	case err == nil && result && d.status == nil:
		d.add(checkProblem, fmt.Sprintf("a ringside answers on %s that is not the one of %s: a second daemon?", address, d.socket()))
	case result:
		d.ok("%s answers a test as a dialplan would ask it, in %s", address, took)
	case err == nil:
		d.add(checkProblem, fmt.Sprintf("what listens on %s is no ringside, or refuses the token: calls fall back", address))
	case errors.Is(err, syscall.ECONNREFUSED) && d.status == nil:
		d.add(checkAdvice, fmt.Sprintf("nobody listens on %s: Asterisk is refused at once, and calls fall back", address),
			change{File: shell, Lines: []string{"systemctl enable --now ringside"}})
	default:
		d.add(checkProblem, fmt.Sprintf("%s does not serve a call: %v", address, err))
	}
}

func (d *doctor) socket() string {
	if d.p.cli.Socket != "" {
		return d.p.cli.Socket
	}
	return d.cfg.Control.Socket
}

// lookUp reports whether ringside answers a FastAGI request.
func lookUp(ctx context.Context, address, token string) (bool, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close() }()
	until, _ := ctx.Deadline()
	_ = conn.SetDeadline(until)
	script := "lookup"
	if token != "" {
		script += "?token=" + token
	}
	if _, err := fmt.Fprintf(conn, "agi_network: yes\nagi_network_script: %s\nagi_callerid: unknown\nagi_uniqueid: doctor\nagi_threadid: 0\n\n", script); err != nil {
		return false, err
	}
	command, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		var late net.Error
		if errors.As(err, &late) && late.Timeout() {
			return false, errors.New("it says nothing: a caller would wait for as long")
		}
		return false, nil // closed without a word: refused
	}
	_, _ = conn.Write([]byte("200 result=0\n"))
	return strings.Contains(command, "RINGSIDE_RESULT"), nil
}

// crmClock compares the CRM's clock with ours, as the daemon has seen it.
func (d *doctor) crmClock() {
	var link crmsync.Status
	switch {
	case d.cfg.CRM.URL == "":
	case d.status == nil || json.Unmarshal(d.status.CRM, &link) != nil || link.LastSuccess.IsZero():
		d.skip("the CRM's clock: no daemon has heard of it")
	default:
		d.clock("the CRM's clock", -time.Duration(link.ClockSkew)*time.Second)
	}
}
