package main

import (
	"encoding/json"
	"fmt"
	"time"

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
	say("ringside %s, node %s, up for %s, FastAGI on %s\n", s.Version, safe(s.Node), time.Since(s.Started).Round(time.Second), s.AGI)
	say("%d calls in progress, %d callers waiting\n", s.Live, s.Waiting)
	printDirectory(p, &s.Directory)
	var st storeState
	if err := json.Unmarshal(s.Store, &st); err != nil {
		return fmt.Errorf("reading the daemon's answer: %w", err)
	}
	say("Store %s: %d calls kept, %d to be delivered, %d waiting for the disk\n", st.Path, st.Calls, st.Outbox, st.Pending)
	if !st.OK {
		say("The store fails since %s: %s. Routing is not affected; %d records were lost.\n",
			st.Since.Local().Format("2006-01-02 15:04:05"), safe(st.Error), st.Dropped)
	}
	var link crmsync.Status
	if err := json.Unmarshal(s.CRM, &link); err != nil {
		return fmt.Errorf("reading the daemon's answer: %w", err)
	}
	printLink(p, &link)
	printBacklog(p, &link)
	if st.MovedAside != "" {
		say("A damaged store was moved to %s: %s\n", safe(st.MovedAside), safe(st.Damage))
	}
	return nil
}
