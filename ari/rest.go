package ari

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
)

const (
	// maxConns are the connections for requests: Asterisk serves each on a thread of its own.
	maxConns = 32
	// idleFor is less than the 15 s after which Asterisk closes an idle connection itself
	// (session_keep_alive in http.conf): a request on its way would be lost. net/http may lose one that is made
	// in the moment in which it closes a connection itself: what happens at full seconds does not meet it.
	idleFor = 9700 * time.Millisecond
	// maxAnswer bounds what is read of an answer: the longest is the list of all channels, of which each takes
	// less than a kilobyte. maxMessage bounds what is told of a refusal.
	maxAnswer  = 64 << 20
	maxMessage = 200
)

// rest makes requests. It is safe for any number of goroutines.
type rest struct {
	base     *url.URL
	username string
	password ringside.Secret
	client   *http.Client
	timeout  time.Duration
}

func newREST(opt Options) (*rest, error) {
	base, err := baseURL(opt.URL)
	if err != nil {
		return nil, err
	}
	return &rest{
		base: base, username: opt.Username, password: opt.Password, timeout: opt.Timeout,
		client: &http.Client{
			Transport: &http.Transport{
				DialContext: opt.dial, TLSClientConfig: opt.TLS, TLSHandshakeTimeout: opt.Timeout,
				MaxConnsPerHost: maxConns, MaxIdleConnsPerHost: maxConns, IdleConnTimeout: idleFor,
			},
			// ARI redirects nobody: who does is not Asterisk, and gets no password.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// A RequestError is Asterisk's refusal of a request.
type RequestError struct {
	// What was asked for, such as "POST channels/1.2/answer".
	What string
	// Status is HTTP's, Message Asterisk's own words.
	Status  int
	Message string
}

// Error implements error.
func (e *RequestError) Error() string {
	return fmt.Sprintf("%s: Asterisk answers %d: %s", e.What, e.Status, e.Message)
}

// Unwrap tells what kind of refusal it is.
func (e *RequestError) Unwrap() error {
	switch e.Status {
	case http.StatusNotFound:
		return ringside.ErrNoChannel
	case http.StatusUnauthorized, http.StatusForbidden:
		return ringside.ErrNotPermitted
	}
	return ringside.ErrRefused
}

// left reports whether a request came too late: the channel, bridge or playback is not there any more
// (404), or is not in Stasis any more (409, of a bridge's channel 422; 412 while it is being hung up).
func left(err error) bool {
	var r *RequestError
	if !errors.As(err, &r) {
		return false
	}
	switch r.Status {
	case http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// params are the parameters of a request; they are sent as JSON.
type params map[string]any

// do makes a request and reads its answer into out, unless that is nil. The path is of segments; each is
// checked and escaped. The errors are *RequestError, and ringside.ErrPBXAway where no answer came.
func (r *rest) do(ctx context.Context, method string, path []string, p params, out any) error {
	what := method + " " + strings.Join(path, "/")
	req, cancel, err := r.request(ctx, method, path, p)
	if err != nil {
		return fmt.Errorf("%.120s: %w", what, err)
	}
	defer cancel()
	res, err := r.client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", what, context.Cause(ctx))
		}
		return fmt.Errorf("%s: %w: %w", what, ringside.ErrPBXAway, plainCause(err))
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w: %w", what, ringside.ErrPBXAway, err)
	case res.StatusCode >= http.StatusMultipleChoices:
		return &RequestError{What: what, Status: res.StatusCode, Message: message(res.StatusCode, body)}
	case out == nil:
		return nil
	case len(body) > maxAnswer:
		return fmt.Errorf("%s: %w: the answer is larger than %d bytes", what, ringside.ErrRefused, maxAnswer)
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("%s: %w: the answer can't be read: %w", what, ringside.ErrRefused, err)
	}
	return nil
}

func (r *rest) request(ctx context.Context, method string, path []string, p params) (*http.Request, context.CancelFunc, error) {
	u := *r.base
	var raw strings.Builder
	raw.WriteString(strings.TrimSuffix(u.EscapedPath(), "/"))
	for _, s := range path {
		if err := segment(s); err != nil {
			return nil, nil, err
		}
		raw.WriteByte('/')
		raw.WriteString(url.PathEscape(s))
	}
	var err error
	if u.Path, err = url.PathUnescape(raw.String()); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ringside.ErrRefused, err)
	}
	u.RawPath = raw.String()
	// Asterisk refuses a DELETE whose body is "null": without parameters there is no body.
	var body io.Reader
	if len(p) > 0 {
		text, err := json.Marshal(p)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: %w", ringside.ErrRefused, err)
		}
		body = bytes.NewReader(text)
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		cancel()
		return nil, nil, err
	}
	req.SetBasicAuth(r.username, r.password.Reveal())
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, cancel, nil
}

// segment checks one part of a path: an id that Asterisk or a person chose must not lead elsewhere.
func segment(s string) error {
	if s == "" || s == "." || s == ".." || len(s) > 256 {
		return fmt.Errorf("%w: %.40q is no id", ringside.ErrRefused, s)
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return fmt.Errorf("%w: %.40q is no id", ringside.ErrRefused, s)
		}
	}
	return nil
}

// message is what Asterisk says of a refusal, on one line. What is not in its form is not shown: who answers is
// something else, and may repeat the request with its password.
func message(status int, body []byte) string {
	var m struct {
		Message string `json:"message"`
		Error   string `json:"error"`
	}
	if json.Unmarshal(body, &m) != nil || m.Message+m.Error == "" {
		return http.StatusText(status)
	}
	text := strings.TrimPrefix(m.Message+": "+m.Error, ": ")
	return strings.TrimSuffix(strings.Map(func(c rune) rune {
		if c < ' ' {
			return ' '
		}
		return c
	}, text[:min(len(text), maxMessage)]), ": ")
}
