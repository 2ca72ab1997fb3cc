package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/control"
	crmsync "github.com/ringside-pbx/ringside/sync"
)

// errNoDirectory is why ringside is not ready.
var errNoDirectory = errors.New("there is no directory: every call is released to the PBX's own dialplan")

func (d *daemon) ready() error {
	if d.calls.Directory() == nil {
		return errNoDirectory
	}
	return nil
}

// healthAnswer is what GET /healthz tells. It is degraded as soon as somebody should look; calls are
// served all the same.
type healthAnswer struct {
	Status    string          `json:"status"`
	Node      string          `json:"node"`
	Version   string          `json:"version"`
	Calls     healthCalls     `json:"calls"`
	Directory healthDirectory `json:"directory"`
	CRM       healthCRM       `json:"crm"`
	Store     healthStore     `json:"store"`
	// PBX is absent if no connection with the PBX is configured.
	PBX *healthPBX `json:"pbx,omitempty"`
	// FreeSWITCH is absent if no connection with it is configured.
	FreeSWITCH *healthPBX `json:"freeswitch,omitempty"`
}

type healthPBX struct {
	Up     bool      `json:"up"`
	Since  time.Time `json:"since,omitzero"`
	Forged uint64    `json:"forged_events,omitempty"`
	// Refused are requests to dial that this site does not allow.
	Refused uint64 `json:"refused_requests,omitempty"`
}

type healthCalls struct {
	Live    int `json:"live"`
	Waiting int `json:"waiting"`
}

type healthDirectory struct {
	Loaded   bool      `json:"loaded"`
	Edition  uint64    `json:"edition,omitempty"`
	Version  string    `json:"version,omitempty"`
	Since    time.Time `json:"since,omitzero"`
	Problems int       `json:"problems"`
	Held     uint64    `json:"held_edition,omitempty"`
	Failed   bool      `json:"newest_refused,omitempty"`
}

type healthCRM struct {
	State       crmsync.LinkState `json:"state"`
	Since       time.Time         `json:"since,omitzero"`
	Reason      string            `json:"reason,omitempty"`
	LastSuccess time.Time         `json:"last_success,omitzero"`
	Warnings    []string          `json:"warnings,omitempty"`
	Backlog     ringside.Backlog  `json:"backlog"`
}

type healthStore struct {
	OK      bool      `json:"ok"`
	Since   time.Time `json:"failing_since,omitzero"`
	Pending int       `json:"pending"`
	Dropped uint64    `json:"dropped"`
}

// health tells how everything is doing, without a path or an address that helps a stranger.
func (d *daemon) health(ctx context.Context) any {
	h := healthAnswer{Status: "ok", Node: d.cfg.Node, Version: version}
	h.Calls.Live, h.Calls.Waiting = d.calls.Counts()
	dir := d.keeper.State()
	h.Directory = healthDirectory{
		Loaded: dir.Loaded, Edition: dir.Edition, Version: dir.Version, Since: dir.Since, Problems: len(dir.Problems), Failed: dir.Failure != "",
	}
	if dir.Held != nil {
		h.Directory.Held = dir.Held.Number
	}
	st := d.store.State()
	h.Store = healthStore{OK: st.Err == nil, Since: st.Since, Pending: st.Pending, Dropped: st.Dropped}
	h.PBX, h.FreeSWITCH = healthOf(d.pbxLink()), healthOf(d.eslLink())
	for _, pbx := range []*healthPBX{h.PBX, h.FreeSWITCH} {
		if pbx != nil && !pbx.Up {
			h.Status = "degraded"
		}
	}
	s, err := d.linkStatus(ctx)
	if err != nil {
		h.Status, h.CRM.State = "degraded", "unknown"
		return h
	}
	h.CRM = healthCRM{
		State: s.State, Since: s.Since, Reason: s.Reason, LastSuccess: s.LastSuccess, Warnings: withoutPath(s.Warnings, s.Token.File), Backlog: s.Backlog,
	}
	sound := s.State == crmsync.Up || s.State == crmsync.Standalone || s.State == crmsync.Connecting
	if !sound || len(s.Warnings) > 0 || !h.Directory.Loaded || !h.Store.OK {
		h.Status = "degraded"
	}
	return h
}

// healthOf is what is told of a connection; nil if there is none.
func healthOf(l *control.PBXLink) *healthPBX {
	if l == nil {
		return nil
	}
	return &healthPBX{Up: l.Up, Since: l.Since, Forged: l.Forged, Refused: l.Refused}
}

// withoutPath keeps from strangers where the token stands.
func withoutPath(warnings []string, file string) []string {
	if file == "" {
		return warnings
	}
	told := make([]string, len(warnings))
	for i, w := range warnings {
		told[i] = strings.ReplaceAll(w, file, "the token's file")
	}
	return told
}
