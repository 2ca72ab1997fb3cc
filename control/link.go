package control

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/ringside-pbx/ringside"
)

// Link is what the control socket asks of the link with the CRM.
type Link interface {
	// SyncStatus is the state of the link, as the daemon tells it.
	SyncStatus(ctx context.Context) (json.RawMessage, error)
	// SyncRefresh pulls the directory now and tries refused credentials again.
	SyncRefresh(ctx context.Context) error
	// Rejected lists the bucket in the order of the ids, those behind after.
	Rejected(ctx context.Context, after string, limit int) ([]ringside.Rejected, error)
	// RetryRejected sends records of the bucket again, DropRejected gives them up; without ids all.
	RetryRejected(ctx context.Context, ids []string) (int, error)
	DropRejected(ctx context.Context, ids []string) (int, error)
	// Reconcile compares the calls that began in [from, to) with those of the CRM and sends again what
	// is missing there.
	Reconcile(ctx context.Context, from, to time.Time) (json.RawMessage, error)
	// Annotation is what the CRM says about a call, or ErrNotFound.
	Annotation(ctx context.Context, callID string) (ringside.Annotation, error)
}

func linkRoutes(mux *http.ServeMux, d Link) {
	answer(mux, "GET /sync", func(r *http.Request) (any, error) { return d.SyncStatus(r.Context()) })
	answer(mux, "POST /sync/refresh", func(r *http.Request) (any, error) {
		return struct{}{}, d.SyncRefresh(r.Context())
	})
	answer(mux, "GET /sync/rejected", func(r *http.Request) (any, error) {
		limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
		if err != nil {
			return nil, badRequest{errors.New("limit is no number")}
		}
		list, err := d.Rejected(r.Context(), r.URL.Query().Get("after"), limit)
		return append([]ringside.Rejected{}, list...), err
	})
	for path, do := range map[string]func(context.Context, []string) (int, error){
		"POST /sync/rejected/retry": d.RetryRejected, "POST /sync/rejected/drop": d.DropRejected,
	} {
		answer(mux, path, func(r *http.Request) (any, error) {
			var ids []string
			if err := decode(r, &ids); err != nil {
				return nil, err
			}
			return do(r.Context(), ids)
		})
	}
	answer(mux, "POST /sync/reconcile", func(r *http.Request) (any, error) {
		from, err := time.Parse(time.RFC3339, r.URL.Query().Get("from"))
		if err != nil {
			return nil, badRequest{err}
		}
		to, err := time.Parse(time.RFC3339, r.URL.Query().Get("to"))
		if err != nil {
			return nil, badRequest{err}
		}
		return d.Reconcile(r.Context(), from, to)
	})
	answer(mux, "GET /annotation", func(r *http.Request) (any, error) {
		return d.Annotation(r.Context(), r.URL.Query().Get("id"))
	})
}

// SyncStatus implements Link.
func (c *Client) SyncStatus(ctx context.Context) (json.RawMessage, error) {
	return ask[json.RawMessage](ctx, c, http.MethodGet, "/sync", nil, nil)
}

// SyncRefresh implements Link.
func (c *Client) SyncRefresh(ctx context.Context) error {
	_, err := ask[struct{}](ctx, c, http.MethodPost, "/sync/refresh", nil, nil)
	return err
}

// Rejected implements Link.
func (c *Client) Rejected(ctx context.Context, after string, limit int) ([]ringside.Rejected, error) {
	v := url.Values{"after": {after}, "limit": {strconv.Itoa(limit)}}
	return ask[[]ringside.Rejected](ctx, c, http.MethodGet, "/sync/rejected", v, nil)
}

// RetryRejected implements Link.
func (c *Client) RetryRejected(ctx context.Context, ids []string) (int, error) {
	return c.bucket(ctx, "/sync/rejected/retry", ids)
}

// DropRejected implements Link.
func (c *Client) DropRejected(ctx context.Context, ids []string) (int, error) {
	return c.bucket(ctx, "/sync/rejected/drop", ids)
}

func (c *Client) bucket(ctx context.Context, path string, ids []string) (int, error) {
	body, err := json.Marshal(append([]string{}, ids...))
	if err != nil {
		return 0, err
	}
	return ask[int](ctx, c, http.MethodPost, path, nil, body)
}

// Reconcile implements Link.
func (c *Client) Reconcile(ctx context.Context, from, to time.Time) (json.RawMessage, error) {
	v := url.Values{"from": {from.Format(time.RFC3339)}, "to": {to.Format(time.RFC3339)}}
	return ask[json.RawMessage](ctx, c, http.MethodPost, "/sync/reconcile", v, nil)
}

// Annotation implements Link.
func (c *Client) Annotation(ctx context.Context, callID string) (ringside.Annotation, error) {
	return ask[ringside.Annotation](ctx, c, http.MethodGet, "/annotation", url.Values{"id": {callID}}, nil)
}
