package contract

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
)

// takeBody reads a request's body and puts it back.
func takeBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(r.Body)
	_ = r.Body.Close()
	if err != nil {
		r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), failing{err}))
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}

// failing gives the error that was met before.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// plainRequest is a copy of the request with its body decompressed.
func plainRequest(ctx context.Context, r *http.Request, sent []byte) (*http.Request, error) {
	in := r.Clone(ctx)
	body, header, err := plainAnswer(r.Header, sent)
	if err != nil {
		return in, err
	}
	in.Header, in.ContentLength = header, int64(len(body))
	in.Body = io.NopCloser(bytes.NewReader(body))
	in.GetBody = nil // a client's request still gives the body as it was sent
	return in, nil
}

// plainAnswer decompresses a body and takes the word of it out of a copy of the header.
func plainAnswer(header http.Header, body []byte) ([]byte, http.Header, error) {
	header = header.Clone()
	encoding := header.Get("Content-Encoding")
	header.Del("Content-Encoding")
	switch encoding {
	case "", "identity":
		return body, header, nil
	case "gzip":
	default:
		return nil, nil, fmt.Errorf("the Content-Encoding %q is not the contract's", encoding)
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err == nil {
		body, err = io.ReadAll(z)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("the body is no whole gzip stream: %w", err)
	}
	return body, header, nil
}

// recorder reads along what is answered.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	r.body.Write(b)
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach what is beneath.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) code() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return r.status
}
