package ari

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/CyCoreSystems/ari/v6"

	"github.com/ringside-pbx/ringside"
)

// Report is what can be seen of an Asterisk's REST interface without taking a call.
type Report struct {
	// Version is Asterisk's, Entity its id.
	Version string `json:"version"`
	Entity  string `json:"entity_id,omitempty"`
	// Ping is how long a request takes, ClockAhead how far Asterisk's clock is ahead of this one.
	Ping       time.Duration `json:"ping"`
	ClockAhead time.Duration `json:"clock_ahead"`
	// Application: Asterisk knows the application, which has Channels and Bridges: a ringside is connected,
	// or has left calls behind.
	Application bool `json:"application"`
	Channels    int  `json:"channels"`
	Bridges     int  `json:"bridges"`
	// Problems are what has to be changed before calls can be driven, in the order in which it matters.
	Problems []string `json:"problems"`
}

// probeApp is an application of its own: the real one may be another ringside's, whose calls would be lost.
const probeApp = "ringside-probe"

// Probe tries everything that an App needs, and changes nothing. The error says that Asterisk does not answer.
func Probe(ctx context.Context, opt Options) (Report, error) {
	rep := Report{Problems: []string{}}
	opt = opt.withDefaults()
	if errs := opt.Validate(); len(errs) > 0 {
		return rep, errors.Join(errs...)
	}
	r, err := newREST(opt)
	if err != nil {
		return rep, err
	}
	defer r.client.CloseIdleConnections()
	if err := rep.ask(ctx, r); err != nil {
		return rep, err
	}
	problem := func(format string, args ...any) { rep.Problems = append(rep.Problems, fmt.Sprintf(format, args...)) }
	for _, m := range []struct{ name, without string }{
		{"app_stasis.so", "the dialplan has no Stasis()"},
		{"res_ari_events.so", "there are no events"},
		{"res_ari_channels.so", "no channel can be commanded"},
		{"res_ari_bridges.so", "nobody can be connected"},
		{"res_ari_playbacks.so", "no announcement can be stopped"},
		{"res_ari_applications.so", "nothing is known after a restart"},
		{"res_stasis_answer.so", "nobody can be answered"},
		{"res_stasis_playback.so", "no announcement can be played"},
		{"res_stasis_recording.so", "no talk can be recorded"},
		{"func_strings.so", "variables are set one by one"},
		{"app_userevent.so", "a message whose caller hangs up at its end counts as none"},
		{"func_timeout.so", "callers wait for a ringside that has died"},
		{"func_callerid.so", "called phones do not show the caller's name of the CRM"},
	} {
		if err := r.do(ctx, http.MethodGet, []string{"asterisk", "modules", m.name}, nil, nil); left(err) {
			problem("%s is not loaded: %s (modules.conf)", m.name, m.without)
		}
	}
	// A user who may write is told that there is no such channel.
	if err := r.do(ctx, http.MethodPost, []string{"channels", "ringside-no-channel", "ring"}, nil, nil); errors.Is(err, ringside.ErrNotPermitted) {
		problem("the user %s may only read: set read_only = no in ari.conf", opt.Username)
	}
	s, err := r.connect(ctx, probeApp)
	if err != nil {
		problem("the WebSocket: %s", err)
	} else {
		s.close()
	}
	var app ari.ApplicationData
	if err := r.do(ctx, http.MethodGet, []string{"applications", opt.Name}, nil, &app); err == nil {
		rep.Application, rep.Channels, rep.Bridges = true, len(app.ChannelIDs), len(app.BridgeIDs)
	}
	return rep, nil
}

// ask asks who is there.
func (rep *Report) ask(ctx context.Context, r *rest) error {
	var about struct {
		System struct {
			Version string `json:"version"`
			Entity  string `json:"entity_id"`
		} `json:"system"`
	}
	if err := r.do(ctx, http.MethodGet, []string{"asterisk", "info"}, nil, &about); err != nil {
		return err
	}
	if rep.Version, rep.Entity = about.System.Version, about.System.Entity; rep.Version == "" {
		return fmt.Errorf("%w: %s is no Asterisk: it tells no version", ringside.ErrRefused, r.base.Host)
	}
	var pong struct {
		Timestamp ari.DateTime `json:"timestamp"`
	}
	began := time.Now()
	err := r.do(ctx, http.MethodGet, []string{"asterisk", "ping"}, nil, &pong)
	rep.Ping = time.Since(began)
	if at := time.Time(pong.Timestamp); err == nil && !at.IsZero() {
		rep.ClockAhead = at.Sub(began.Add(rep.Ping / 2)).Round(time.Millisecond)
	}
	return nil
}
