package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/ringside-pbx/ringside"
)

// ErrNoDaemon says that nobody serves the socket.
var ErrNoDaemon = errors.New("no running ringside was found")

// Client speaks to the daemon behind a control socket.
type Client struct {
	http http.Client
	path string
}

var _ Daemon = (*Client)(nil)

// NewClient makes a client for the socket at path; nothing is opened before the first request.
func NewClient(path string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}
	return &Client{path: path, http: http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}}
}

func (c *Client) do(ctx context.Context, method, path string, query url.Values, body []byte) (*http.Response, error) {
	u := url.URL{Scheme: "http", Host: "ringside", Path: path, RawQuery: query.Encode()}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("asking the daemon: %w", err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) && op.Op == "dial" {
			return nil, fmt.Errorf("%w at %s: %w", ErrNoDaemon, c.path, op.Err)
		}
		return nil, fmt.Errorf("asking the daemon: %w", err)
	}
	if res.StatusCode == http.StatusOK {
		return res, nil
	}
	defer func() { _ = res.Body.Close() }()
	var f failure
	_ = json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&f)
	switch kind := kinds()[f.Kind]; {
	case f.Field != "":
		return nil, &ringside.InvalidError{Field: f.Field, Reason: f.Error}
	case kind != nil:
		return nil, told{kind, f.Error}
	}
	switch res.StatusCode {
	case http.StatusNotFound:
		return nil, ErrNotFound
	case http.StatusUnprocessableEntity:
		return nil, errors.New(f.Error)
	}
	return nil, fmt.Errorf("the daemon answered: %s", f.Error)
}

// told is an error of the PBX as the daemon tells it.
type told struct {
	kind error
	text string
}

// Error implements error.
func (e told) Error() string { return e.text }

// Unwrap gives the error's kind.
func (e told) Unwrap() error { return e.kind }

func ask[T any](ctx context.Context, c *Client, method, path string, query url.Values, body []byte) (v T, err error) {
	res, err := c.do(ctx, method, path, query, body)
	if err != nil {
		return v, err
	}
	defer func() { _ = res.Body.Close() }()
	if err := json.NewDecoder(res.Body).Decode(&v); err != nil {
		return v, fmt.Errorf("reading the daemon's answer: %w", err)
	}
	return v, nil
}

// Status implements Daemon.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return ask[Status](ctx, c, http.MethodGet, "/status", nil, nil)
}

// Route implements Daemon.
func (c *Client) Route(ctx context.Context, r RouteRequest) (ringside.Explained, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return ringside.Explained{}, fmt.Errorf("asking the daemon: %w", err)
	}
	return ask[ringside.Explained](ctx, c, http.MethodPost, "/route", nil, body)
}

// Calls implements Daemon.
func (c *Client) Calls(ctx context.Context, q CallQuery) ([]ringside.Call, error) {
	v := url.Values{"limit": {strconv.Itoa(q.Limit)}}
	if !q.Since.IsZero() {
		v.Set("since", q.Since.Format(time.RFC3339Nano))
	}
	if q.Live {
		v.Set("live", "1")
	}
	return ask[[]ringside.Call](ctx, c, http.MethodGet, "/calls", v, nil)
}

// Call implements Daemon.
func (c *Client) Call(ctx context.Context, id string) (ringside.Call, error) {
	return ask[ringside.Call](ctx, c, http.MethodGet, "/calls/one", url.Values{"id": {id}}, nil)
}

// Tail implements Daemon.
func (c *Client) Tail(ctx context.Context, each func(ringside.Call) error) error {
	res, err := c.do(ctx, http.MethodGet, "/tail", nil, nil)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var call ringside.Call
		if err := json.Unmarshal(lines.Bytes(), &call); err != nil {
			return fmt.Errorf("reading the daemon's answer: %w", err)
		}
		if err := each(call); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return lines.Err()
}

// Waiting implements Daemon.
func (c *Client) Waiting(ctx context.Context) ([]ringside.Waiting, error) {
	return ask[[]ringside.Waiting](ctx, c, http.MethodGet, "/waiting", nil, nil)
}

// Directory implements Daemon.
func (c *Client) Directory(ctx context.Context) (DirectoryState, error) {
	return ask[DirectoryState](ctx, c, http.MethodGet, "/directory", nil, nil)
}

// LoadContacts implements Daemon.
func (c *Client) LoadContacts(ctx context.Context, contacts []ringside.Contact) (int, error) {
	body, err := json.Marshal(contacts)
	if err != nil {
		return 0, fmt.Errorf("asking the daemon: %w", err)
	}
	return ask[int](ctx, c, http.MethodPut, "/contacts", nil, body)
}

// CheckStore implements Daemon.
func (c *Client) CheckStore(ctx context.Context) (StoreReport, error) {
	return ask[StoreReport](ctx, c, http.MethodGet, "/store/check", nil, nil)
}

// BackupStore implements Daemon.
func (c *Client) BackupStore(ctx context.Context, path string) error {
	_, err := ask[struct{}](ctx, c, http.MethodPost, "/store/backup", url.Values{"path": {path}}, nil)
	return err
}
