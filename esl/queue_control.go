package esl

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/ringside-pbx/ringside"
)

// queueWord reports whether text may name a queue or an agent as one word of a command: letters, digits and
// "-", "_", ".", "+", "@".
func queueWord(s string) bool {
	return ringside.QueueName(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return r >= 0x7f || r != '@' && !ringside.Dialable(string(r))
	})
}

// argument is a status as an argument, of which blanks would make several.
func argument(status string) string { return "'" + status + "'" }

// memberOf checks a request.
func memberOf(r ringside.QueueMemberRequest, needsQueue bool) error {
	if err := r.Validate(); err != nil {
		return err
	}
	switch {
	case r.Queue == "" && needsQueue:
		return &ringside.InvalidError{Field: "queue", Reason: "is missing"}
	case r.Queue != "" && !queueWord(r.Queue):
		return &ringside.InvalidError{Field: "queue", Reason: fmt.Sprintf("%.100q is no name of a queue that can be sent to FreeSWITCH", r.Queue)}
	}
	return nil
}

// addMember has an extension serve a queue, at the level that the penalty is. An agent is made if there is none,
// and one who has logged out is logged in. Who serves the queue already is ringside.ErrRefused.
func (q *queues) addMember(ctx context.Context, run api, r ringside.QueueMemberRequest) error {
	if err := memberOf(r, true); err != nil {
		return err
	}
	defer q.doubt()
	a, err := q.agentFor(ctx, run, r.Number)
	if err != nil {
		return err
	}
	if a == nil {
		if a, err = q.newAgent(ctx, run, r.Number); err != nil {
			return err
		}
	}
	if _, err := run(ctx, "callcenter_config", "tier", "add", r.Queue, a.name, strconv.Itoa(r.Penalty), "1"); err != nil {
		return err
	}
	switch {
	case r.Paused:
		return setStatus(ctx, run, a.name, agentOnBreak)
	case a.status == agentLoggedOut || a.status == "":
		return setStatus(ctx, run, a.name, agentAvailable)
	}
	return nil
}

// removeMember has an extension serve a queue no more.
func (q *queues) removeMember(ctx context.Context, run api, r ringside.QueueMemberRequest) error {
	a, names, err := q.served(ctx, run, r, true)
	if err != nil {
		return err
	}
	defer q.doubt()
	_, err = run(ctx, "callcenter_config", "tier", "del", names[0], a.name)
	return err
}

// pauseMember gives an agent a break, or ends it. mod_callcenter knows a break in all queues only, and no reason.
func (q *queues) pauseMember(ctx context.Context, run api, r ringside.QueueMemberRequest) error {
	a, _, err := q.served(ctx, run, r, false)
	if err != nil {
		return err
	}
	if r.Paused {
		return setStatus(ctx, run, a.name, agentOnBreak)
	}
	return setStatus(ctx, run, a.name, agentAvailable)
}

// setPenalty puts an agent on the level that the penalty is, in a queue or in all that they serve.
func (q *queues) setPenalty(ctx context.Context, run api, r ringside.QueueMemberRequest) error {
	a, names, err := q.served(ctx, run, r, false)
	if err != nil {
		return err
	}
	defer q.doubt()
	for _, name := range names {
		if _, err := run(ctx, "callcenter_config", "tier", "set", "level", name, a.name, strconv.Itoa(r.Penalty)); err != nil {
			return err
		}
	}
	return nil
}

// reload has FreeSWITCH read a queue's configuration again, or all queues'.
func (q *queues) reload(ctx context.Context, run api, name string) error {
	names := []string{name}
	switch {
	case name == "":
		names = nil
		for _, k := range q.snapshot() {
			if queueWord(k.Name) {
				names = append(names, k.Name)
			}
		}
	case !queueWord(name):
		return &ringside.InvalidError{Field: "queue", Reason: fmt.Sprintf("%.100q is no name of a queue that can be sent to FreeSWITCH", name)}
	}
	defer q.doubt()
	for _, n := range names {
		if _, err := run(ctx, "callcenter_config", "queue", "reload", n); err != nil {
			return err
		}
	}
	return nil
}
