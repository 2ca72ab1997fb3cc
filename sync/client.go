package sync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/ringside-pbx/ringside/internal/signature"
)

// client makes single requests of the CRM. It repeats none but the first one whose compression the CRM
// does not take.
type client struct {
	base        *url.URL
	http        http.Client
	credentials *Credentials
	node, agent string
	timeout     time.Duration
	now         func() time.Time
	gzip        compressor
	// plain: the CRM does not take compressed bodies.
	plain atomic.Bool
	// heard is told of every answer, whatever it is.
	heard func(header http.Header, sent, received time.Time)
}

// request is one request.
type request struct {
	method, path string
	query        url.Values
	// body is JSON; nil for none. A large one has a write in its place, and about its size.
	body  []byte
	write func(io.Writer) error
	size  int
	// zipped is the body compressed, if that has been done already.
	zipped []byte
	// key is the Idempotency-Key of a batch.
	key string
	// etag asks for a document only if it is another one.
	etag string
	// wait is how long the CRM may take to have something new.
	wait time.Duration
	// limit bounds the answer; 0 is maxAnswer.
	limit int64
}

// answer is a success: 2xx, or 304 where an ETag was sent.
type answer struct {
	status int
	etag   string
	body   []byte
}

// longest is how long an answer may take that has begun.
const longest = 10 * time.Minute

// do makes the request. Every error is a *Failure, but for that of a ctx that has ended.
func (c *client) do(ctx context.Context, r *request) (*answer, error) {
	a, err := c.once(ctx, r)
	var f *Failure
	if errors.As(err, &f) && f.Trouble == NoCompression && r.zipped != nil && c.plain.CompareAndSwap(false, true) {
		a, err = c.once(ctx, r)
	}
	return a, err
}

func (c *client) once(ctx context.Context, r *request) (*answer, error) {
	whole := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(c.timeout+r.wait, func() { cancel(context.DeadlineExceeded) })
	defer timer.Stop()
	req, err := c.newRequest(ctx, r)
	if err != nil {
		return nil, &Failure{Trouble: Local, Reason: "the request could not be made: " + spoken(err.Error()), err: err}
	}
	sent := c.now()
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.broken(whole, ctx, err)
	}
	defer func() { _ = res.Body.Close() }()
	c.heard(res.Header, sent, c.now())
	timer.Reset(longest) // whoever sends without a pause may take longer
	success := res.StatusCode >= 200 && res.StatusCode < 300 || res.StatusCode == http.StatusNotModified && r.etag != ""
	limit := r.limit
	if limit == 0 {
		limit = maxAnswer
	}
	if !success {
		limit = maxRefusal
	}
	body, err := readAll(ctx, cancel, res.Body, limit)
	var f *Failure
	switch contentType := res.Header.Get("Content-Type"); {
	case !success:
		said, structured := saidBy(contentType, body)
		return nil, statusFailure(res.StatusCode, res.Header, said, structured, c.now())
	case errors.As(err, &f):
		return nil, f
	case err != nil:
		return nil, c.broken(whole, ctx, err)
	case len(body) > 0 && !isJSON(contentType):
		return nil, &Failure{
			Trouble: Interfered, Status: res.StatusCode,
			Reason: fmt.Sprintf("something between here and the CRM answers in its place: %d with %s", res.StatusCode, pageName(contentType)),
		}
	}
	return &answer{status: res.StatusCode, etag: res.Header.Get("ETag"), body: body}, nil
}

func pageName(contentType string) string {
	if contentType == "" {
		return "a body of no type"
	}
	return "a body of type " + spoken(contentType)
}

// broken describes a request without a whole answer.
func (c *client) broken(whole, ctx context.Context, err error) error {
	if whole.Err() != nil {
		return context.Cause(whole)
	}
	if cause := context.Cause(ctx); cause != nil {
		err = errors.Join(cause, err)
	}
	return netFailure(err)
}

// ready makes the bytes of a request's body, compressed if that is worth it.
func (c *client) ready(r *request) (err error) {
	zip := !c.plain.Load()
	switch {
	case zip && r.zipped == nil && r.write != nil && r.size >= worthGzip:
		r.zipped, err = c.gzip.compress(r.write, r.size)
	case zip && r.zipped == nil && len(r.body) >= worthGzip:
		r.zipped, err = c.gzip.compress(func(w io.Writer) error { _, err := w.Write(r.body); return err }, len(r.body))
	case r.body == nil && r.write != nil && (!zip || r.zipped == nil):
		b := bytes.NewBuffer(make([]byte, 0, r.size))
		err = r.write(b)
		r.body = b.Bytes()
	}
	return err
}

func (c *client) newRequest(ctx context.Context, r *request) (*http.Request, error) {
	u := c.base.JoinPath(r.path)
	u.RawQuery = r.query.Encode()
	if err := c.ready(r); err != nil {
		return nil, err
	}
	body, encoding := r.body, ""
	if r.zipped != nil && !c.plain.Load() {
		body, encoding = r.zipped, "gzip"
	}
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	set := func(name, value string) {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	set("User-Agent", c.agent)
	set("Accept", "application/json")
	set(HeaderNode, c.node)
	set("If-None-Match", r.etag)
	set("Idempotency-Key", r.key)
	if body != nil {
		set("Content-Type", "application/json")
		set("Content-Encoding", encoding)
	}
	if r.wait > 0 {
		set("Prefer", "wait="+strconv.Itoa(int(r.wait/time.Second)))
	}
	if token := c.credentials.Token(); !token.IsZero() {
		req.Header.Set("Authorization", "Bearer "+token.Reveal())
	}
	if !c.credentials.secret.IsZero() {
		stamp, sum := signature.Sign(c.credentials.secret, c.now(), r.method, u.RequestURI(), body)
		req.Header.Set(HeaderTimestamp, stamp)
		req.Header.Set(HeaderSignature, sum)
	}
	return req, nil
}
