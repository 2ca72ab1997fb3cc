package esl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
)

// listedRegistration is a row of FreeSWITCH's table of registrations.
type listedRegistration struct {
	User  string `json:"reg_user"`
	Token string `json:"token"`
}

// listedRegistrations reads what `show registrations as json` prints.
func listedRegistrations(printed string) ([]listedRegistration, error) {
	var list struct {
		Rows []listedRegistration `json:"rows"`
	}
	if err := json.Unmarshal([]byte(printed), &list); err != nil {
		return nil, fmt.Errorf("FreeSWITCH's list of registrations: %w", err)
	}
	return list.Rows, nil
}

// tableRegistrations reads what `show registrations` prints. Nothing is quoted in it, but what a phone may
// choose freely comes behind what is read here.
func tableRegistrations(printed string) (rows []listedRegistration) {
	for line := range strings.Lines(printed) {
		columns := strings.Split(strings.TrimRight(line, "\r\n"), ",")
		if len(columns) < 9 || columns[0] == "reg_user" || columns[0] == "" {
			continue
		}
		rows = append(rows, listedRegistration{User: columns[0], Token: columns[2]})
	}
	return rows
}

// askRegistrations compares the registrations with FreeSWITCH. What events tell meanwhile counts more.
func (p *presence) askRegistrations(ctx context.Context, run api) error {
	p.mu.Lock()
	p.regs.changed = map[registration]struct{}{}
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.regs.changed = nil
	}()
	printed, err := run(ctx, "show", "registrations", "as", "json")
	if err != nil {
		return fmt.Errorf("asking for registrations: %w", err)
	}
	rows, unreadable := listedRegistrations(printed)
	if unreadable != nil {
		if printed, err = run(ctx, "show", "registrations"); err != nil {
			return fmt.Errorf("asking for registrations: %w", errors.Join(unreadable, err))
		}
		rows = tableRegistrations(printed)
	}
	defer p.mouth.tell()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.compareRegistrations(rows, time.Now())
	return nil
}

// compareRegistrations puts a list in the place of what is known, and reports who is there now or is not any
// more. Mutex held.
func (p *presence) compareRegistrations(rows []listedRegistration, at time.Time) {
	r := &p.regs
	listed := map[registration]struct{}{}
	touched := map[string]ringside.DeviceState{}
	for _, row := range rows {
		reg := registration{user(row.User), kept(row.Token)}
		if reg.number == "" || reg.id == "" {
			continue
		}
		listed[reg] = struct{}{}
		if _, known := r.phones[reg.number][reg.id]; known || r.hasChanged(reg) {
			continue
		}
		if _, ok := touched[reg.number]; !ok {
			touched[reg.number] = r.state(reg.number)
		}
		r.add(reg.number, reg.id, phone{})
	}
	for number, phones := range r.phones {
		for id := range phones {
			reg := registration{number, id}
			if _, there := listed[reg]; there || r.hasChanged(reg) {
				continue
			}
			if _, ok := touched[number]; !ok {
				touched[number] = r.state(number)
			}
			r.remove(number, id)
		}
	}
	for number := range r.were {
		if _, ok := touched[number]; !ok && r.fresh {
			touched[number] = ringside.DeviceUnknown // nobody was told since the connection was lost
		}
	}
	r.fresh = false
	for number, before := range touched {
		if r.state(number) != before {
			p.report(number, at)
		}
	}
}

// hasChanged reports whether events have told of a registration since the list was asked for.
func (r *registrations) hasChanged(reg registration) bool {
	_, ok := r.changed[reg]
	return ok
}
