package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/configs"
	"github.com/ringside-pbx/ringside/sync/crmtest"
)

type demoCRMCmd struct {
	Listen        string          `help:"Address to serve on, 127.0.0.1:8600 without it; beyond this machine, --token is needed." default:"127.0.0.1:8600" placeholder:"ADDR"`
	Directory     string          `help:"Directory file (YAML or JSON) that is served, also when it changes; the demo's without one." type:"path" placeholder:"FILE"`
	Data          string          `help:"File in which what arrives is kept; without one, it is kept in memory." type:"path" placeholder:"FILE"`
	Contacts      string          `help:"Contacts that are served: a CSV or JSON file, as for 'contacts load'." type:"path" placeholder:"FILE"`
	Token         ringside.Secret `help:"Bearer token that ringside must show." placeholder:"TOKEN"`
	SigningSecret ringside.Secret `help:"Secret that requests must be signed with." placeholder:"SECRET"`
	Misbehave     string          `help:"Go wrong on purpose, such as 'calls: 500 30%; config: latency 2s; *: hang 10%'." placeholder:"RULES"`
}

// demoBase is where the contract's paths begin.
const demoBase = "/ringside/v1/"

// demoGrace is how long requests may take to end.
const demoGrace = 3 * time.Second

// Run implements the command.
func (c *demoCRMCmd) Run(p *program) (err error) {
	rules, contacts, err := c.check()
	if err != nil {
		return exitError{exitUsage, err}
	}
	d := &demoDirectory{file: c.Directory, out: p.out, err: p.err}
	watch := newFileWatch(c.Directory, d.reload) // before it is read: no change is missed
	document, err := d.read()
	if err != nil {
		return exitError{exitUsage, err}
	}
	d.crm, err = crmtest.New(crmtest.Options{
		BasePath: demoBase, Directory: document, Data: c.Data, Token: c.Token, SigningSecret: c.SigningSecret,
	})
	if err != nil {
		return fmt.Errorf("the reference CRM can't begin: %w", err)
	}
	defer func() { err = errors.Join(err, d.crm.Close()) }()
	d.crm.Misbehave(rules...)
	if err := d.crm.PutContact(contacts...); err != nil {
		return err
	}
	handler, err := newDemoPages(d.crm, c.guard())
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(p.ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	if c.Directory != "" {
		watch.start()
		defer func() { _ = watch.stop(p.ctx) }()
	}
	c.welcome(p.out, l.Addr().String(), d.crm.DirectoryVersion())
	return serveDemo(p.ctx, l, handler, d.crm)
}

// check reads what the flags say.
func (c *demoCRMCmd) check() (rules []crmtest.Rule, contacts []ringside.ContactChange, err error) {
	if why := badListen(c.Listen, "127.0.0.1:8600"); why != "" {
		return nil, nil, fmt.Errorf("--listen %s", why)
	}
	if !onLoopback(c.Listen) && c.Token.IsZero() {
		return nil, nil, fmt.Errorf("--token is needed when --listen (%s) is not on loopback: anybody could read the calls", c.Listen)
	}
	if !oneWord(c.Token) {
		return nil, nil, errors.New("--token is no token: it must be one word of printable characters")
	}
	if rules, err = crmtest.ParseRules(c.Misbehave); err != nil {
		return nil, nil, fmt.Errorf("--misbehave: %w", err)
	}
	if c.Contacts != "" {
		contacts, err = demoContacts(c.Contacts)
	}
	return rules, contacts, err
}

// guard is the token that the pages need, too, where others than this machine reach them.
func (c *demoCRMCmd) guard() ringside.Secret {
	if onLoopback(c.Listen) {
		return ringside.Secret{}
	}
	return c.Token
}

// welcome tells how ringside is pointed at the CRM.
func (c *demoCRMCmd) welcome(out io.Writer, address, version string) {
	login := ""
	if !c.guard().IsZero() {
		login = "-u :TOKEN "
	}
	_, _ = fmt.Fprintf(out, `The reference CRM serves directory version %[1]s. What arrives is shown on http://%[2]s/

While it runs:

  curl %[3]s-d 'calls: 500 30%%' http://%[2]s/misbehave
      it goes wrong on purpose; the word clear ends it
  curl %[3]s-d '{"session_id": "ID", "note": "Call back"}' http://%[2]s/annotate
      'ringside calls show ID' tells it within crm.poll

For ringside.yaml:

`, version, address, login)
	_, _ = fmt.Fprintf(out, "crm:\n  url: http://%s%s\n", address, demoBase)
	for _, line := range []struct {
		key    string
		secret ringside.Secret
	}{{"token", c.Token}, {"signing_secret", c.SigningSecret}} {
		if !line.secret.IsZero() {
			_, _ = fmt.Fprintf(out, "  %s: %q\n", line.key, line.secret.Reveal())
		}
	}
	if host, _, err := net.SplitHostPort(address); err == nil && !onLoopback(c.Listen) {
		_, _ = fmt.Fprintf(out, "  # http is taken for addresses that are named here; write this machine's into the url, too\n  allow: [%q]\n", host)
	}
}

// serveDemo serves until ctx ends. Whatever waits is ended first, so that nobody waits for it.
func serveDemo(ctx context.Context, l net.Listener, handler http.Handler, crm *crmtest.CRM) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10}
	failed := make(chan error, 1)
	var wg sync.WaitGroup
	wg.Go(func() { failed <- server.Serve(l) })
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	closed := crm.Close()
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), demoGrace)
	defer cancel()
	if server.Shutdown(within) != nil {
		_ = server.Close()
	}
	wg.Wait()
	return errors.Join(err, closed)
}

// demoDirectory is the directory file of the reference CRM.
type demoDirectory struct {
	file     string
	seen     string // the document that was served last
	crm      *crmtest.CRM
	out, err io.Writer
}

func (d *demoDirectory) read() ([]byte, error) {
	doc, err := parseDocument("demo", configs.Demo)
	if d.file != "" {
		doc, err = readDocument(d.file)
	}
	if err != nil {
		return nil, err
	}
	if _, _, err := doc.load(); err != nil {
		return nil, err
	}
	d.seen = string(doc.json)
	return doc.json, nil
}

// reload serves the file as it is now. One that is no directory changes nothing.
func (d *demoDirectory) reload(context.Context) {
	before := d.seen
	document, err := d.read()
	if err == nil && d.seen == before {
		return
	}
	if err == nil {
		err = d.crm.SetDirectory(document)
	}
	if err != nil {
		_, _ = fmt.Fprintln(d.err, "ringside: the directory stays as it was:", err)
		return
	}
	_, _ = fmt.Fprintln(d.out, "The directory is now version", d.crm.DirectoryVersion())
}
