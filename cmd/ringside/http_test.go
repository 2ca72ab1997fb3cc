package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

func TestIdleConnectionsMakeRoomForNewOnes(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	limited := newLimitedListener(l, 2)
	idle := make(chan struct{}, 10)
	hold := make(chan struct{})
	server := http.Server{
		Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/hold" {
				<-hold
			}
		}),
		ConnState: func(c net.Conn, state http.ConnState) {
			if limited.note(c, state); state == http.StateIdle {
				idle <- struct{}{}
			}
		},
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(limited) }()
	defer func() { _ = server.Close(); <-done }()
	ask := func(path string) net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		_, _ = io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
		return c
	}
	served := func(c net.Conn) bool {
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	}
	var conns []net.Conn
	for i := range 5 {
		c := ask("/")
		if !served(c) {
			t.Fatalf("connection %d is refused, though the others are idle", i+1)
		}
		<-idle
		conns = append(conns, c)
	}
	if _, err := conns[0].Read(make([]byte, 1)); err == nil {
		t.Error("the longest idle one is still there")
	}
	first, second := ask("/hold"), ask("/hold")
	if served(ask("/")) {
		t.Error("there are more connections than there is room for")
	}
	close(hold)
	if !served(first) || !served(second) {
		t.Error("what was going on was cut off")
	}
}
