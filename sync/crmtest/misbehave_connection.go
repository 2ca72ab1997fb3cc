package crmtest

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"
)

// recorder takes an answer that is not sent as it is.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newRecorder() *recorder { return &recorder{header: http.Header{}} }

// Header implements http.ResponseWriter.
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(p)
}

// record has a request served and keeps the answer; its headers go to w.
func record(w http.ResponseWriter, r *http.Request, well http.Handler) *recorder {
	rec := newRecorder()
	well.ServeHTTP(rec, r)
	rec.WriteHeader(http.StatusOK)
	for name, values := range rec.header {
		w.Header()[name] = values
	}
	return rec
}

// drop ends the connection without an answer; hard is with a reset. It needs HTTP/1: a connection of
// HTTP/2 is shared, and its request is answered with 500 instead.
func drop(w http.ResponseWriter, hard bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		refuse(w, http.StatusInternalServerError, "the connection can't be dropped: "+err.Error())
		return
	}
	under := conn
	if t, ok := conn.(*tls.Conn); ok {
		under = t.NetConn()
	}
	if t, ok := under.(*net.TCPConn); ok && hard {
		_ = t.SetLinger(0)
	}
	_ = under.Close()
}

// truncated promises the whole answer and sends half of it.
func truncated(w http.ResponseWriter, r *http.Request, well http.Handler) {
	rec := record(w, r, well)
	body := rec.body.Bytes()
	if len(body) < 2 { // there is nothing to cut
		drop(w, false)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(rec.status)
	_, _ = w.Write(body[:len(body)/2])
}

// trickling is how long each byte of a trickle takes.
const trickling = 100 * time.Millisecond

func (c *CRM) trickle(w http.ResponseWriter, r *http.Request, well http.Handler) {
	rec := record(w, r, well)
	w.WriteHeader(rec.status)
	flush := http.NewResponseController(w)
	for i := range rec.body.Bytes() {
		if _, err := w.Write(rec.body.Bytes()[i : i+1]); err != nil || flush.Flush() != nil {
			return
		}
		if !c.pause(r, trickling) {
			return
		}
	}
}

// endless begins an answer and goes on until the other side has had enough.
func (c *CRM) endless(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, err := w.Write([]byte(`{"version":"`))
	for more := bytes.Repeat([]byte("and so on "), 3200); err == nil; {
		select {
		case <-c.closing:
			return
		case <-r.Context().Done():
			return
		default:
			_, err = w.Write(more)
		}
	}
}

// bomb sends a gigabyte of nothing, which is a megabyte on the way. A part of it is compressed once:
// parts of a gzip stream may follow each other.
func bomb(w http.ResponseWriter) {
	const size, part = 1 << 30, 1 << 20
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, err := z.Write(bytes.Repeat([]byte(" "), part))
	if err = errors.Join(err, z.Close()); err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Encoding", "gzip")
	for range size / part {
		if _, err := w.Write(zipped.Bytes()); err != nil {
			return
		}
	}
}

// page is what a portal answers in the CRM's place.
func page(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte("<!doctype html><title>Welcome</title><h1>Please sign in to use this network</h1>"))
}
