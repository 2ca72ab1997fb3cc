package sync

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/calmlog"
	"github.com/ringside-pbx/ringside/internal/signature"
)

// ReceiverOptions make a Receiver.
type ReceiverOptions struct {
	// Token and Signing are what a request must show: a bearer token, a signature, or both. With
	// neither, everything that needs them is refused.
	Token, Signing ringside.Secret
	Directory      Directory
	// Refresh pulls the directory now.
	Refresh func() error
	// Route decides on a call that is not there.
	Route func(ctx context.Context, q RouteQuestion) (ringside.Explained, error)
	// Health tells how everything is doing, Ready whether calls are served by a directory.
	Health func(ctx context.Context) any
	Ready  func() error
	Log    *slog.Logger
	Now    func() time.Time
}

// RouteQuestion asks where a call would go.
type RouteQuestion struct {
	From string `json:"caller_id"`
	To   string `json:"called_number"`
	// Endpoint is the device that calls; empty is a trunk, or the extension that From is.
	Endpoint string    `json:"endpoint,omitempty"`
	At       time.Time `json:"at,omitzero"`
	// Owner is the extension of the caller's manager.
	Owner string `json:"owner,omitempty"`
}

// Receiver is what ringside serves to the CRM (docs/openapi/ringside.yaml).
type Receiver struct {
	opt      ReceiverOptions
	verifier *signature.Verifier
	mux      *http.ServeMux
	log      *calmlog.Log // of what strangers do
	// large has room for the large bodies of strangers.
	large chan struct{}
}

const (
	// smallBody is how much of a body anybody may send, maxLarge how many may send more at a time before
	// their signature has been checked, which takes the whole body: strangers must not fill the memory.
	smallBody = 256 << 10
	maxLarge  = 2
)

// NewReceiver makes the handler.
func NewReceiver(opt ReceiverOptions) *Receiver {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	r := &Receiver{opt: opt, mux: http.NewServeMux(), log: calmlog.New(opt.Log), large: make(chan struct{}, maxLarge)}
	if !opt.Signing.IsZero() {
		r.verifier = signature.NewVerifier(opt.Signing)
	}
	r.handle(http.MethodPut, "/api/v1/config", r.guarded(ringside.MaxDocument, r.putConfig))
	r.handle(http.MethodPost, "/api/v1/config/refresh", r.guarded(maxRefusal, r.refresh))
	r.handle(http.MethodPost, "/api/v1/route", r.guarded(maxRefusal, r.route))
	r.handle(http.MethodGet, "/healthz", func(w http.ResponseWriter, req *http.Request) {
		reply(w, http.StatusOK, opt.Health(req.Context()))
	})
	r.handle(http.MethodGet, "/readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := opt.Ready(); err != nil {
			refuse(w, http.StatusServiceUnavailable, err.Error())
			return
		}
		reply(w, http.StatusOK, map[string]string{"status": "ready"})
	})
	r.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusNotFound, "there is nothing here") })
	return r
}

// handle serves one method of a path; every other one is answered as clearly.
func (r *Receiver) handle(method, path string, serve http.HandlerFunc) {
	r.mux.HandleFunc(method+" "+path, serve)
	r.mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", method)
		refuse(w, http.StatusMethodNotAllowed, "this address takes "+method+" only")
	})
}

// ServeHTTP implements http.Handler.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	r.mux.ServeHTTP(w, req)
}

// guarded reads the body, within a limit, and lets only those in who show what they must.
func (r *Receiver) guarded(limit int64, serve func(w http.ResponseWriter, req *http.Request, body []byte)) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		if r.opt.Token.IsZero() && r.verifier == nil {
			refuse(w, http.StatusForbidden, "this ringside takes nothing over HTTP: http.token or http.signing_secret is not set")
			return
		}
		// The token first: strangers are not worth reading a body for.
		if !r.opt.Token.IsZero() && !sameToken(req.Header.Get("Authorization"), r.opt.Token) {
			r.strange(w, req, "the bearer token is missing or wrong")
			return
		}
		sent, err := r.read(w, req, limit)
		var large *http.MaxBytesError
		switch {
		case errors.As(err, &large):
			refuse(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has more than %d bytes", limit))
			return
		case errors.Is(err, errCrowd):
			w.Header().Set("Retry-After", "5")
			refuse(w, http.StatusServiceUnavailable, errCrowd.Error())
			return
		case err != nil:
			refuse(w, http.StatusBadRequest, "the body did not arrive whole")
			return
		}
		if r.verifier != nil {
			err := r.verifier.Verify(r.opt.Now(), req.Header.Get(HeaderTimestamp), req.Header.Get(HeaderSignature),
				req.Method, req.URL.RequestURI(), sent)
			if err != nil {
				r.strange(w, req, "the signature is not good: "+err.Error())
				return
			}
		}
		body, status, why := plainBody(req, sent, limit)
		if why != "" {
			refuse(w, status, why)
			return
		}
		serve(w, req, body)
	}
}

var errCrowd = errors.New("others are sending large bodies just now")

// read reads a body. Of one that nobody vouches for yet, there is room for a few large ones only.
func (r *Receiver) read(w http.ResponseWriter, req *http.Request, limit int64) ([]byte, error) {
	body := http.MaxBytesReader(w, req.Body, limit)
	if !r.opt.Token.IsZero() {
		return io.ReadAll(body)
	}
	begun, err := io.ReadAll(io.LimitReader(body, smallBody))
	if err != nil || len(begun) < smallBody {
		return begun, err
	}
	select {
	case r.large <- struct{}{}:
	default:
		return nil, errCrowd
	}
	defer func() { <-r.large }()
	b := bytes.NewBuffer(begun)
	_, err = b.ReadFrom(body)
	return b.Bytes(), err
}

func (r *Receiver) strange(w http.ResponseWriter, req *http.Request, why string) {
	host, _, err := net.SplitHostPort(req.RemoteAddr)
	if err != nil {
		host = req.RemoteAddr
	}
	r.log.Warn("a request over HTTP is refused", "from", spoken(host), "path", spoken(req.URL.Path), "reason", why)
	w.Header().Set("WWW-Authenticate", "Bearer")
	// Nobody waits for the rest of what a stranger sends.
	w.Header().Set("Connection", "close")
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(time.Second))
	refuse(w, http.StatusUnauthorized, why)
}

// sameToken compares in constant time.
func sameToken(authorization string, token ringside.Secret) bool {
	scheme, shown, _ := strings.Cut(authorization, " ")
	return strings.EqualFold(scheme, "Bearer") &&
		subtle.ConstantTimeCompare([]byte(strings.TrimSpace(shown)), []byte(token.Reveal())) == 1
}

// plainBody decompresses a body; why says what is wrong with it.
func plainBody(req *http.Request, sent []byte, limit int64) (body []byte, status int, why string) {
	if len(sent) > 0 && !isJSON(req.Header.Get("Content-Type")) {
		return nil, http.StatusUnsupportedMediaType, "Content-Type must be application/json"
	}
	switch strings.ToLower(req.Header.Get("Content-Encoding")) {
	case "", "identity":
		return sent, 0, ""
	case "gzip":
	default:
		return nil, http.StatusUnsupportedMediaType, "Content-Encoding must be gzip, or left out"
	}
	z, err := gzip.NewReader(bytes.NewReader(sent))
	if err == nil {
		body, err = io.ReadAll(io.LimitReader(z, limit+1))
	}
	switch {
	case err != nil:
		return nil, http.StatusBadRequest, "the body is no whole gzip stream"
	case int64(len(body)) > limit:
		return nil, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has more than %d bytes, decompressed", limit)
	}
	return body, 0, ""
}

// ErrorBody is the body of an answer that is no success.
type ErrorBody struct {
	Error   string        `json:"error"`
	Details []ErrorDetail `json:"details,omitempty"`
}

// ErrorDetail is one thing that is wrong with a directory.
type ErrorDetail struct {
	Path string `json:"path"`
	Text string `json:"text"`
}

func refuse(w http.ResponseWriter, status int, why string) { reply(w, status, ErrorBody{Error: why}) }

func reply(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error":"the answer could not be written"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
