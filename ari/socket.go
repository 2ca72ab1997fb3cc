package ari

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/coder/websocket"

	"github.com/ringside-pbx/ringside"
)

// maxFrame bounds one event. A bridge's events name all its channels, which is what makes them long.
const maxFrame = 4 << 20

// socket is the WebSocket on which events come.
type socket struct {
	conn *websocket.Conn
	buf  []byte
}

// connect opens the WebSocket, which makes the application known to Asterisk. Two can't have it at once:
// the later one replaces the earlier.
func (r *rest) connect(ctx context.Context, app string) (*socket, error) {
	u := *r.base
	u.Path, u.RawPath = u.JoinPath("events").Path, ""
	u.RawQuery = url.Values{"app": {app}, "subscribeAll": {"false"}}.Encode()
	header := http.Header{}
	req := &http.Request{Header: header}
	req.SetBasicAuth(r.username, r.password.Reveal())
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	//nolint:bodyclose // the library closes it, or has put its own in its place
	conn, res, err := websocket.Dial(ctx, u.String(), &websocket.DialOptions{
		HTTPClient: r.client, HTTPHeader: header, Subprotocols: []string{"ari"},
	})
	if res != nil && res.StatusCode != http.StatusSwitchingProtocols {
		return nil, &RequestError{What: "GET events", Status: res.StatusCode, Message: refusal(res.StatusCode)}
	}
	if err != nil {
		return nil, fmt.Errorf("GET events: %w: %w", ringside.ErrPBXAway, plainCause(err))
	}
	conn.SetReadLimit(maxFrame)
	return &socket{conn: conn}, nil
}

// refusal says what is to be done about an answer to the WebSocket's request.
func refusal(status int) string {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return "user or password are wrong, see ari.conf"
	case http.StatusNotFound:
		return "there is no ARI: load res_ari_events and enable it in ari.conf and http.conf"
	}
	return http.StatusText(status)
}

// plainCause is an error of the transport without the URL, which says nothing new.
func plainCause(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// read gives the next frame, which is valid until the next read.
func (s *socket) read(ctx context.Context) ([]byte, error) {
	kind, r, err := s.conn.Reader(ctx)
	if err != nil {
		return nil, err
	}
	s.buf = s.buf[:0]
	for {
		if len(s.buf) == cap(s.buf) {
			s.buf = append(s.buf, 0)[:len(s.buf)]
		}
		n, err := r.Read(s.buf[len(s.buf):cap(s.buf)])
		s.buf = s.buf[:len(s.buf)+n]
		switch {
		case errors.Is(err, io.EOF) && kind == websocket.MessageText:
			return s.buf, nil
		case errors.Is(err, io.EOF):
			return nil, nil
		case err != nil:
			return nil, err
		}
	}
}

// keepAlive asks the other side whether it is there until ctx ends or there is no answer in time.
func (s *socket) keepAlive(ctx context.Context, every, within time.Duration) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		ping, cancel := context.WithTimeout(ctx, within)
		err := s.conn.Ping(ping)
		cancel()
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("Asterisk does not answer a ping: %w", err) //nolint:staticcheck // a name
		}
	}
}

func (s *socket) close() { _ = s.conn.CloseNow() }
