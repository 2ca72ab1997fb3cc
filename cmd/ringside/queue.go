package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/control"
)

type queueCmd struct {
	Stats   queueStatsCmd  `cmd:"" help:"Tell how the PBX's queues are doing."`
	Add     queueAddCmd    `cmd:"" help:"Add an extension to a queue."`
	Remove  queueRemoveCmd `cmd:"" help:"Take an extension out of a queue."`
	Pause   queuePauseCmd  `cmd:"" help:"Let an extension rest."`
	Unpause queueResumeCmd `cmd:"" help:"End an extension's rest."`
	Penalty queuePenalCmd  `cmd:"" help:"Set how late an extension's turn comes."`
	Reload  queueReloadCmd `cmd:"" help:"Let the PBX read its queues' configuration again."`
}

type queueStatsCmd struct {
	Queue   string        `help:"Only this queue." placeholder:"NAME"`
	Watch   bool          `help:"Print again and again, until Ctrl+C."`
	Every   time.Duration `help:"How often, with --watch." default:"5s"`
	Summary bool          `help:"One line per queue."`
	JSON    bool          `help:"Print JSON." name:"json"`
}

// Run implements the command.
func (c *queueStatsCmd) Run(p *program) error {
	daemon, err := p.daemon()
	if err != nil {
		return err
	}
	if c.Watch && c.Every < time.Second {
		return exitError{exitUsage, fmt.Errorf("--every %s is shorter than 1s", c.Every)}
	}
	for {
		if err := c.once(p, daemon); err != nil || !c.Watch {
			return err
		}
		select {
		case <-p.ctx.Done():
			return nil // the user has seen enough
		case <-time.After(c.Every):
			_, _ = fmt.Fprintln(p.out)
		}
	}
}

func (c *queueStatsCmd) once(p *program, daemon control.PBX) error {
	all, err := daemon.Queues(p.ctx)
	if err != nil {
		return err
	}
	if c.Queue != "" {
		found := all[:0]
		for _, q := range all {
			if q.Name == c.Queue {
				found = append(found, q)
			}
		}
		if all = found; len(all) == 0 {
			return exitError{exitNotFound, fmt.Errorf("the PBX has no queue %q", c.Queue)}
		}
	}
	now := time.Now()
	summaries := make([]ringside.PBXQueueSummary, len(all))
	for i := range all {
		summaries[i] = all[i].Summary(now)
	}
	switch {
	case c.JSON && c.Summary:
		return printJSON(p.out, summaries)
	case c.JSON:
		return printJSON(p.out, all)
	case len(all) == 0:
		_, _ = fmt.Fprintln(p.out, "The PBX has no queues.")
	case c.Summary:
		summaryHead(p.out)
		for i := range summaries {
			printSummary(p.out, &summaries[i])
		}
	default:
		printQueues(p.out, all, now)
	}
	return nil
}

// summaryHead is the head of the table that printSummary makes.
func summaryHead(out io.Writer) {
	_, _ = fmt.Fprintln(out, "queue                waiting  longest  free  busy  paused  agents   done  left       in time  hold  talk  compared")
}

// printSummary prints a queue's figures as a line: who waits and for how long, the agents, and what became
// of calls.
func printSummary(out io.Writer, s *ringside.PBXQueueSummary) {
	left := "0"
	if all := s.Completed + s.Abandoned; s.Abandoned > 0 {
		left = fmt.Sprintf("%d (%d %%)", s.Abandoned, 100*s.Abandoned/all)
	}
	inTime := ""
	if s.ServiceLevel > 0 {
		inTime = fmt.Sprintf("%.0f %% %ds", s.ServiceLevelPerf, s.ServiceLevel)
	}
	_, _ = fmt.Fprintf(out, "%-20s %7d %8s %5d %5d %7d %7d %6d  %-9s %8s %5s %5s  %s\n", safe(s.Queue), s.Waiting, clock(s.LongestWait),
		s.Available, s.Busy, s.Paused, s.Agents, s.Completed, left, inTime, clock(s.HoldTime), clock(s.TalkTime), compared(s))
}

// compared says how old what is known of a queue is.
func compared(s *ringside.PBXQueueSummary) string {
	if s.Stale {
		last := s.Checked
		if s.Changed.After(last) {
			last = s.Changed
		}
		return "STALE: the PBX can't be asked, this is " + age(last) + " old"
	}
	return age(s.Checked) + " ago"
}

func printQueues(out io.Writer, all []ringside.PBXQueue, now time.Time) {
	if len(all) > 0 {
		summaryHead(out)
	}
	for i := range all {
		q := &all[i]
		s := q.Summary(now)
		printSummary(out, &s)
		for _, m := range q.Members {
			state := strings.ReplaceAll(string(m.State), "_", " ")
			if m.Paused {
				state = strings.TrimRight("paused "+m.PausedReason, " ")
				if !m.PausedSince.IsZero() {
					state += " for " + lasting(now.Sub(m.PausedSince).Round(time.Second))
				}
			}
			name := m.Interface
			if m.Name != "" && m.Name != m.Interface {
				name += " " + m.Name
			}
			_, _ = fmt.Fprintf(out, "    %-30s %-24s %s taken, penalty %d\n", safe(name), safe(state), callCount(m.CallsTaken), m.Penalty)
		}
		for _, c := range q.Callers {
			_, _ = fmt.Fprintf(out, "    %2d. %-26s waits for %s\n", c.Position, caller(c.Number), lasting(now.Sub(c.Since).Round(time.Second)))
		}
	}
}

// queueMember are the arguments of a change of a member.
type queueMember struct {
	Number string `arg:"" help:"The extension."`
	Queue  string `arg:"" help:"The queue."`
}

func (p *program) changeQueue(verb control.QueueVerb, m ringside.QueueMemberRequest, done string) error {
	daemon, err := p.daemon()
	if err != nil {
		return err
	}
	if err := daemon.ChangeQueue(p.ctx, control.QueueChange{Verb: verb, Member: m}); err != nil {
		return usage(err)
	}
	_, _ = fmt.Fprintln(p.out, done)
	return nil
}

type queueAddCmd struct {
	queueMember
	Name    string `help:"What reports call the member." placeholder:"NAME"`
	Penalty int    `help:"Members with a higher one are rung when the others are busy."`
	Paused  bool   `help:"Add the member at rest."`
}

// Run implements the command.
func (c *queueAddCmd) Run(p *program) error {
	return p.changeQueue(control.QueueAdd, ringside.QueueMemberRequest{
		Queue: c.Queue, Number: c.Number, Name: c.Name, Penalty: c.Penalty, Paused: c.Paused,
	}, fmt.Sprintf("%s is a member of %s.", safe(c.Number), safe(c.Queue)))
}

type queueRemoveCmd struct{ queueMember }

// Run implements the command.
func (c *queueRemoveCmd) Run(p *program) error {
	return p.changeQueue(control.QueueRemove, ringside.QueueMemberRequest{Queue: c.Queue, Number: c.Number},
		fmt.Sprintf("%s is no member of %s any more.", safe(c.Number), safe(c.Queue)))
}

type queuePauseCmd struct {
	Number string `arg:"" help:"The extension."`
	Queue  string `arg:"" optional:"" help:"The queue; all of them without."`
	Reason string `help:"Why." placeholder:"TEXT"`
}

// Run implements the command.
func (c *queuePauseCmd) Run(p *program) error {
	return p.changeQueue(control.QueuePause, ringside.QueueMemberRequest{
		Queue: c.Queue, Number: c.Number, Paused: true, Reason: c.Reason,
	}, safe(c.Number)+" rests.")
}

type queueResumeCmd struct {
	Number string `arg:"" help:"The extension."`
	Queue  string `arg:"" optional:"" help:"The queue; all of them without."`
}

// Run implements the command.
func (c *queueResumeCmd) Run(p *program) error {
	return p.changeQueue(control.QueuePause, ringside.QueueMemberRequest{Queue: c.Queue, Number: c.Number},
		safe(c.Number)+" takes calls again.")
}

type queuePenalCmd struct {
	queueMember
	Penalty int `arg:"" help:"0 is rung first."`
}

// Run implements the command.
func (c *queuePenalCmd) Run(p *program) error {
	return p.changeQueue(control.QueuePenalty, ringside.QueueMemberRequest{Queue: c.Queue, Number: c.Number, Penalty: c.Penalty},
		fmt.Sprintf("%s has the penalty %d in %s.", safe(c.Number), c.Penalty, safe(c.Queue)))
}

type queueReloadCmd struct {
	Queue string `arg:"" optional:"" help:"The queue; all of them without."`
}

// Run implements the command.
func (c *queueReloadCmd) Run(p *program) error {
	return p.changeQueue(control.QueueReload, ringside.QueueMemberRequest{Queue: c.Queue}, "Read again.")
}
