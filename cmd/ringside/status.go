package main

import (
	"encoding/json"
	"fmt"

	"github.com/ringside-pbx/ringside/control"
	crmsync "github.com/ringside-pbx/ringside/sync"
)

type statusCmd struct {
	JSON bool `help:"Print JSON." name:"json"`
}

// Run implements the command.
func (c *statusCmd) Run(p *program) error {
	daemon, err := p.daemon()
	if err != nil {
		return err
	}
	s, err := daemon.Status(p.ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p.out, s)
	}
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(p.out, format, args...) }
	say("ringside %s, node %s, up for %s, FastAGI on %s\n", s.Version, safe(s.Node), age(s.Started), s.AGI)
	if s.Socket != "" {
		say("FreeSWITCH's calls are served on %s\n", s.Socket)
	}
	say("%s in progress, %s waiting\n", callCount(s.Live), count(s.Waiting, "caller", "callers"))
	printDirectory(p, &s.Directory)
	var st storeState
	if err := json.Unmarshal(s.Store, &st); err != nil {
		return fmt.Errorf("reading the daemon's answer: %w", err)
	}
	var link crmsync.Status
	if err := json.Unmarshal(s.CRM, &link); err != nil {
		return fmt.Errorf("reading the daemon's answer: %w", err)
	}
	say("Store %s: %s kept", st.Path, count(st.Calls, "call", "calls"))
	if link.State != crmsync.Standalone {
		say(", %d to be delivered", st.Outbox)
	}
	if st.Pending > 0 {
		say(", %s on the way to the disk", count(st.Pending, "record", "records"))
	}
	say("\n")
	if !st.OK {
		say("The store fails since %s: %s. Routing is not affected; %s lost.\n",
			when(st.Since), safe(st.Error), count(st.Dropped, "record was", "records were"))
	}
	printPBX(p, "Asterisk", s.PBX, "Routing is not affected.")
	printPBX(p, "Asterisk", s.ARI, "The dialplan serves the calls that would come through it.")
	printPBX(p, "FreeSWITCH", s.ESL, "Routing is not affected.")
	printLink(p, &link)
	printBacklog(p, &link)
	if st.MovedAside != "" {
		say("A damaged store was moved to %s: %s\n", safe(st.MovedAside), safe(st.Damage))
	}
	return nil
}

// printPBX prints how the connection with a PBX is doing.
func printPBX(p *program, name string, l *control.PBXLink, without string) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(p.out, format, args...) }
	switch {
	case l == nil:
		return
	case l.Up:
		say("%s at %s: connected for %s\n", name, l.Address, age(l.Since))
	default:
		say("%s at %s can't be asked since %s: %s. %s\n", name, l.Address, when(l.Since), safe(l.Error), without)
	}
	if l.Forged > 0 {
		say("  %s left out: somebody calls with line breaks in a number.\n", count(l.Forged, "event of Asterisk was", "events of Asterisk were"))
	}
	if l.Refused > 0 {
		say("  %s refused by this site's rules (outbound).\n", count(l.Refused, "request to dial was", "requests to dial were"))
	}
}
