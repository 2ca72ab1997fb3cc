package esl

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

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
