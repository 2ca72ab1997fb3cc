package esl

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
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

// agentFor finds the agent that an extension is; nil if there is none.
func (q *queues) agentFor(ctx context.Context, run api, number string) (*agent, error) {
	printed, err := run(ctx, "callcenter_config", "agent", "list")
	if err != nil {
		return nil, err
	}
	var found *agent
	for _, row := range readTable(printed, "contact") {
		a := &agent{name: row["name"], contact: row["contact"], status: row["status"]}
		if queueWord(a.name) && userPart(a.name) == number {
			return a, nil
		}
		if queueWord(a.name) && found == nil && q.number(a) == number {
			found = a
		}
	}
	return found, nil
}

// tiersOf are the queues that an agent serves.
func tiersOf(ctx context.Context, run api, agent string) (names []string, err error) {
	printed, err := run(ctx, "callcenter_config", "tier", "list")
	if err != nil {
		return nil, err
	}
	for _, row := range readTable(printed, "") {
		if row["agent"] == agent && queueWord(row["queue"]) {
			names = append(names, row["queue"])
		}
	}
	return names, nil
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

// newAgent makes an agent of an extension.
func (q *queues) newAgent(ctx context.Context, run api, number string) (*agent, error) {
	name, err := dialplan.Fill(q.agent, number)
	if err != nil {
		return nil, err
	}
	dialled := q.numbers.dialled
	if dialled == "" {
		dialled = "user/" + dialplan.Placeholder
	}
	contact, err := dialplan.Fill(dialled, number)
	if err != nil {
		return nil, err
	}
	if !queueWord(name) || !word(contact) || strings.ContainsAny(contact, `'"\`) {
		return nil, fmt.Errorf("%w: the agent %.80q at %.80q can't be sent to FreeSWITCH", ringside.ErrRefused, name, contact)
	}
	if _, err := run(ctx, "callcenter_config", "agent", "add", name, "callback"); err != nil {
		return nil, err
	}
	if _, err := run(ctx, "callcenter_config", "agent", "set", "contact", name, contact); err != nil {
		return nil, err
	}
	return &agent{name: name, contact: contact}, nil
}

func setStatus(ctx context.Context, run api, agent, status string) error {
	_, err := run(ctx, "callcenter_config", "agent", "set", "status", agent, argument(status))
	return err
}

// served finds the agent that an extension is and the queues that are meant: the one of the request, or all
// that the agent serves.
func (q *queues) served(ctx context.Context, run api, r ringside.QueueMemberRequest, needsQueue bool) (*agent, []string, error) {
	if err := memberOf(r, needsQueue); err != nil {
		return nil, nil, err
	}
	a, err := q.agentFor(ctx, run, r.Number)
	if err != nil {
		return nil, nil, err
	}
	if a == nil {
		return nil, nil, fmt.Errorf("%w: %s is no agent", ringside.ErrRefused, r.Number)
	}
	names, err := tiersOf(ctx, run, a.name)
	if err != nil {
		return nil, nil, err
	}
	if r.Queue != "" {
		if !slices.Contains(names, r.Queue) {
			return nil, nil, fmt.Errorf("%w: %s does not serve the queue %s", ringside.ErrRefused, r.Number, r.Queue)
		}
		names = []string{r.Queue}
	}
	return a, names, nil
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
