package control

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ringside-pbx/ringside"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// board answers every request with what it is given.
type board struct {
	Daemon // the methods that a test does not need
	err    error
	asked  RouteRequest
}

func (b *board) Status(context.Context) (Status, error) { return Status{Node: "test", Live: 2}, b.err }

func (b *board) Route(_ context.Context, r RouteRequest) (ringside.Explained, error) {
	b.asked = r
	return ringside.Explained{Action: ringside.Route, Target: ringside.Targets{"101", "102"}, Version: "7"}, b.err
}

func (b *board) Call(_ context.Context, id string) (ringside.Call, error) {
	return ringside.Call{ID: id}, b.err
}

func (b *board) Tail(ctx context.Context, each func(ringside.Call) error) error {
	if err := each(ringside.Call{ID: "a"}); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

func listen(t *testing.T, d Daemon) (*Client, string, *Server) {
	t.Helper()
	folder, err := os.MkdirTemp("", "ctl")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "s")
	s, err := Listen(path, d, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
		_ = os.RemoveAll(folder)
	})
	return NewClient(path), path, s
}

func TestWhatIsAskedIsWhatArrives(t *testing.T) {
	b := &board{}
	c, path, _ := listen(t, b)
	if s, err := c.Status(t.Context()); err != nil || s.Node != "test" || s.Live != 2 {
		t.Errorf("status %+v, %v", s, err)
	}
	req := RouteRequest{From: "+79001234567", To: "100", At: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)}
	e, err := c.Route(t.Context(), req)
	if err != nil || len(e.Target) != 2 || e.Version != "7" || b.asked != req {
		t.Errorf("route %+v, %v; asked %+v", e, err, b.asked)
	}
	if call, err := c.Call(t.Context(), "node-a b/c?d"); err != nil || call.ID != "node-a b/c?d" {
		t.Errorf("an id with odd characters arrived as %q, %v", call.ID, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket's mode is %v, %v", info.Mode(), err)
	}
}

func TestErrorsArrive(t *testing.T) {
	b := &board{err: ErrNotFound}
	c, _, _ := listen(t, b)
	if _, err := c.Call(t.Context(), "x"); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
	b.err = errors.New("out of paper")
	if _, err := c.Status(t.Context()); err == nil || !strings.Contains(err.Error(), "out of paper") {
		t.Errorf("got %v", err)
	}
	nobody := NewClient("/nonexistent/socket")
	if _, err := nobody.Status(t.Context()); !errors.Is(err, ErrNoDaemon) {
		t.Errorf("got %v", err)
	}
}

func TestTailEndsWithItsReaderAndWithTheServer(t *testing.T) {
	c, _, s := listen(t, &board{})
	enough := errors.New("enough")
	if err := c.Tail(t.Context(), func(call ringside.Call) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("got %v", err)
	}
	got := make(chan string, 1)
	done := make(chan error, 1)
	go func() {
		done <- c.Tail(t.Context(), func(call ringside.Call) error { got <- call.ID; return nil })
	}()
	if id := <-got; id != "a" {
		t.Errorf("got %s", id)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Error(err)
	}
	<-done
}

func TestSocketOfADeadDaemonIsReplacedAndOfALivingOneIsNot(t *testing.T) {
	_, path, _ := listen(t, &board{})
	if _, err := Listen(path, &board{}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "another ringside") {
		t.Errorf("got %v", err)
	}
	dead := filepath.Join(filepath.Dir(path), "dead")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: dead, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close()
	s, err := Listen(dead, &board{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestOnlyASocketIsReplaced(t *testing.T) {
	folder := t.TempDir()
	file, empty, link := filepath.Join(folder, "file"), filepath.Join(folder, "empty"), filepath.Join(folder, "link")
	if err := errors.Join(os.WriteFile(file, []byte("kept"), 0o600), os.Mkdir(empty, 0o700), os.Symlink(file, link)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, empty, link} {
		s, err := Listen(path, &board{}, slog.New(slog.DiscardHandler))
		if err == nil {
			_ = s.Stop(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), "is no socket") {
			t.Errorf("%s: %v", path, err)
		}
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "kept" {
		t.Errorf("the file holds %q, %v", text, err)
	}
}

func TestBadRequestsAreAnsweredWithTheReason(t *testing.T) {
	c, _, _ := listen(t, &board{})
	cases := []struct{ method, path, body, want string }{
		{"POST", "/route", "{", "reading the request"},
		{"POST", "/route", `{"at": "noon"}`, "reading the request"},
		{"GET", "/calls?since=yesterday", "", "since"},
		{"GET", "/calls?limit=many", "", "limit"},
		{"POST", "/store/backup?path=relative.db", "", "must be absolute"},
		{"GET", "/nothing", "", "404"},
		{"DELETE", "/directory", "", "Method Not Allowed"},
	}
	for _, tc := range cases {
		t.Run(tc.method+" "+tc.path, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), tc.method, "http://ringside"+tc.path, strings.NewReader(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			res, err := c.http.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = res.Body.Close() }()
			body, _ := io.ReadAll(res.Body)
			if res.StatusCode < 400 || !strings.Contains(string(body), tc.want) {
				t.Errorf("%s %s", res.Status, body)
			}
		})
	}
}
