package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/ringside-pbx/ringside"
)

// maxBody bounds a request: a directory of a million rules fits.
const maxBody = 512 << 20

// Server serves the control socket. Make it with Listen, stop it with Stop.
type Server struct {
	http   http.Server
	daemon Daemon
	path   string
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// Listen binds the socket at path with mode 0600. A socket that a dead daemon left is replaced; one
// that is served is an error.
func Listen(path string, d Daemon, log *slog.Logger) (*Server, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("making the control socket's folder: %w", err)
	}
	if conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"}); err == nil {
		_ = conn.Close()
		return nil, fmt.Errorf("the control socket %s is served by another ringside", path)
	}
	if err := removeSocket(path); err != nil {
		return nil, fmt.Errorf("removing the old control socket: %w", err)
	}
	// The socket is made in a folder that nobody else can enter and moved when its mode is right.
	hidden, err := os.MkdirTemp(filepath.Dir(path), ".s")
	if err != nil {
		return nil, fmt.Errorf("making the control socket: %w", err)
	}
	defer func() { _ = os.RemoveAll(hidden) }()
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(hidden, "s"), Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listening on the control socket: %w", err)
	}
	listener.SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(filepath.Join(hidden, "s"), 0o600), os.Rename(filepath.Join(hidden, "s"), path)); err != nil {
		_ = listener.Close()
		return nil, fmt.Errorf("making the control socket: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{daemon: d, path: path, cancel: cancel}
	s.http = http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: 5 * time.Second,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	s.wg.Go(func() { _ = s.http.Serve(listener) })
	return s, nil
}

// removeSocket removes the socket that a dead daemon left, and nothing else that has the name.
func removeSocket(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != os.ModeSocket:
		return fmt.Errorf("%s is no socket and stays: give the control socket another path", path)
	}
	return os.Remove(path)
}

// Stop ends the streams, lets other requests finish until ctx ends, and removes the socket.
func (s *Server) Stop(ctx context.Context) error {
	s.cancel()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	s.wg.Wait()
	_ = removeSocket(s.path)
	return err
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	answer(mux, "GET /status", func(r *http.Request) (any, error) { return s.daemon.Status(r.Context()) })
	answer(mux, "GET /waiting", func(r *http.Request) (any, error) { return s.daemon.Waiting(r.Context()) })
	answer(mux, "GET /directory", func(r *http.Request) (any, error) { return s.daemon.Directory(r.Context()) })
	answer(mux, "GET /store/check", func(r *http.Request) (any, error) { return s.daemon.CheckStore(r.Context()) })
	answer(mux, "GET /calls/one", func(r *http.Request) (any, error) {
		return s.daemon.Call(r.Context(), r.URL.Query().Get("id"))
	})
	answer(mux, "GET /calls", func(r *http.Request) (any, error) {
		q, err := callQuery(r)
		if err != nil {
			return nil, err
		}
		return s.daemon.Calls(r.Context(), q)
	})
	answer(mux, "POST /route", func(r *http.Request) (any, error) {
		var req RouteRequest
		if err := decode(r, &req); err != nil {
			return nil, err
		}
		return s.daemon.Route(r.Context(), req)
	})
	answer(mux, "GET /lines", func(r *http.Request) (any, error) { return s.daemon.Lines(r.Context()) })
	s.directoryRoutes(mux)
	answer(mux, "PUT /contacts", func(r *http.Request) (any, error) {
		var contacts []ringside.Contact
		if err := decode(r, &contacts); err != nil {
			return nil, err
		}
		return s.daemon.LoadContacts(r.Context(), contacts)
	})
	answer(mux, "POST /store/backup", func(r *http.Request) (any, error) {
		path := r.URL.Query().Get("path")
		if !filepath.IsAbs(path) {
			return nil, badRequest{errors.New("path must be absolute")}
		}
		return struct{}{}, s.daemon.BackupStore(r.Context(), path)
	})
	linkRoutes(mux, s.daemon)
	pbxRoutes(mux, s.daemon)
	mux.HandleFunc("GET /tail", s.tail)
	return mux
}

// tail streams changes of calls, one JSON object a line.
func (s *Server) tail(w http.ResponseWriter, r *http.Request) {
	flush := http.NewResponseController(w)
	w.Header().Set("Content-Type", "application/x-ndjson")
	_ = flush.Flush()
	enc := json.NewEncoder(w)
	_ = s.daemon.Tail(r.Context(), func(c ringside.Call) error {
		if err := enc.Encode(c); err != nil {
			return err
		}
		return flush.Flush()
	})
}

type badRequest struct{ error }

func decode(r *http.Request, into any) error {
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		return badRequest{fmt.Errorf("reading the request: %w", err)}
	}
	return nil
}

func callQuery(r *http.Request) (q CallQuery, err error) {
	v := r.URL.Query()
	if s := v.Get("since"); s != "" {
		if q.Since, err = time.Parse(time.RFC3339Nano, s); err != nil {
			return q, badRequest{fmt.Errorf("since: %w", err)}
		}
	}
	if s := v.Get("limit"); s != "" {
		if q.Limit, err = strconv.Atoi(s); err != nil {
			return q, badRequest{fmt.Errorf("limit: %w", err)}
		}
	}
	q.Live = v.Get("live") == "1"
	return q, nil
}

// failure is the body of an answer that is no success.
type failure struct {
	Error string `json:"error"`
	// Kind is that of an error of the PBX, Field what is wrong in a request to it.
	Kind  string `json:"kind,omitempty"`
	Field string `json:"field,omitempty"`
}

func failed(err error) failure {
	f := failure{Error: err.Error(), Kind: kindOf(err)}
	var invalid *ringside.InvalidError
	if errors.As(err, &invalid) {
		f.Field, f.Error = invalid.Field, invalid.Reason
	}
	return f
}

func answer(mux *http.ServeMux, pattern string, handle func(*http.Request) (any, error)) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		v, err := handle(r)
		status := http.StatusOK
		if err != nil {
			v, status = failed(err), statusOf(err)
		}
		body, err := json.Marshal(v)
		if err != nil {
			status, body = http.StatusInternalServerError, []byte(`{"error":"the answer could not be written"}`)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write(body)
	})
}

func statusOf(err error) int {
	var bad badRequest
	var invalid *ringside.InvalidError
	switch {
	case errors.As(err, &bad), errors.As(err, &invalid):
		return http.StatusBadRequest
	case errors.Is(err, ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, ErrRefused), kindOf(err) != "":
		return http.StatusUnprocessableEntity
	}
	return http.StatusInternalServerError
}
