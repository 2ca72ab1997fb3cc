package control

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/ringside-pbx/ringside"
)

// pbxRoutes are the routes of what acts on the PBX.
func pbxRoutes(mux *http.ServeMux, d Daemon) {
	tell(mux, d, "health", func(p PBX, r *http.Request) (any, error) { return p.PBXHealth(r.Context()) })
	tell(mux, d, "queues", func(p PBX, r *http.Request) (any, error) { return p.Queues(r.Context()) })
	tell(mux, d, "channels", func(p PBX, r *http.Request) (any, error) { return p.Channels(r.Context()) })
	tell(mux, d, "channel", func(p PBX, r *http.Request) (any, error) {
		return p.Channel(r.Context(), r.URL.Query().Get("name"))
	})
	tell(mux, d, "variable", func(p PBX, r *http.Request) (any, error) {
		q := r.URL.Query()
		return p.Variable(r.Context(), q.Get("channel"), q.Get("name"))
	})
	carry(mux, d, "originate", PBX.Originate)
	carry(mux, d, "spy", PBX.Spy)
	carry(mux, d, "park", PBX.Park)
	carry(mux, d, "record", PBX.Record)
	carry(mux, d, "hangup", silent(PBX.Hangup))
	carry(mux, d, "transfer", silent(PBX.Transfer))
	carry(mux, d, "bridge", silent(PBX.Bridge))
	carry(mux, d, "dtmf", silent(PBX.SendDTMF))
	carry(mux, d, "mute", silent(PBX.Mute))
	carry(mux, d, "stop-record", silent(PBX.StopRecord))
	carry(mux, d, "variable", silent(func(p PBX, ctx context.Context, r setVariable) error {
		return p.SetVariable(ctx, r.Channel, r.Variable)
	}))
	carry(mux, d, "queue", silent(func(p PBX, ctx context.Context, c QueueChange) error {
		switch c.Verb {
		case QueueAdd, QueueRemove, QueuePause, QueuePenalty, QueueReload:
			return p.ChangeQueue(ctx, c)
		}
		return badRequest{fmt.Errorf("verb: %.40q is none of add, remove, pause, penalty, reload", c.Verb)}
	}))
}

// setVariable is the body of a request that sets a variable.
type setVariable struct {
	Channel  string            `json:"channel"`
	Variable ringside.Variable `json:"variable"`
}

// tell serves one kind of question about the PBX.
func tell(mux *http.ServeMux, d Daemon, name string, ask func(PBX, *http.Request) (any, error)) {
	answer(mux, "GET /pbx/"+name, func(r *http.Request) (any, error) {
		p, err := d.PBX()
		if err != nil {
			return nil, err
		}
		return ask(p, r)
	})
}

// carry serves one kind of request to the PBX.
func carry[Q, A any](mux *http.ServeMux, d Daemon, name string, do func(PBX, context.Context, Q) (A, error)) {
	answer(mux, "POST /pbx/"+name, func(r *http.Request) (any, error) {
		p, err := d.PBX()
		if err != nil {
			return nil, err
		}
		var q Q
		if err := decode(r, &q); err != nil {
			return nil, err
		}
		return do(p, r.Context(), q)
	})
}

func silent[Q any](do func(PBX, context.Context, Q) error) func(PBX, context.Context, Q) (struct{}, error) {
	return func(p PBX, ctx context.Context, q Q) (struct{}, error) { return struct{}{}, do(p, ctx, q) }
}

// kinds are the errors of a PBX that keep their identity on their way through the socket.
func kinds() map[string]error {
	return map[string]error{
		"no_channel": ringside.ErrNoChannel, "not_permitted": ringside.ErrNotPermitted, "forbidden": ringside.ErrForbidden,
		"pbx_away": ringside.ErrPBXAway, "refused_by_pbx": ringside.ErrRefused,
	}
}

// kindOf names the error's kind; empty if it has none.
func kindOf(err error) string {
	for name, kind := range kinds() {
		if errors.Is(err, kind) {
			return name
		}
	}
	return ""
}
