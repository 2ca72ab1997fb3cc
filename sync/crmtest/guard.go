package crmtest

import (
	"bytes"
	"compress/gzip"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/ringside-pbx/ringside"
	crmsync "github.com/ringside-pbx/ringside/sync"
)

// maxBody bounds a request's body, as it is sent and decompressed: a batch and a record of any size.
const maxBody = 64 << 20

// guarded lets those in who show what they must, and reads the body.
func (c *CRM) guarded(serve func(w http.ResponseWriter, r *http.Request, body []byte)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !c.opt.Token.IsZero() && !sameToken(r.Header.Get("Authorization"), c.opt.Token) {
			stranger(w, "the bearer token is missing or wrong")
			return
		}
		sent, err := readBody(w, r)
		var large *http.MaxBytesError
		switch {
		case errors.As(err, &large):
			refuse(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has more than %d bytes", maxBody))
			return
		case err != nil:
			refuse(w, http.StatusBadRequest, "the body did not arrive whole")
			return
		}
		if c.verifier != nil {
			err := c.verifier.Verify(c.opt.Now(), r.Header.Get(crmsync.HeaderTimestamp), r.Header.Get(crmsync.HeaderSignature),
				r.Method, r.URL.RequestURI(), sent)
			if err != nil {
				stranger(w, "the signature is not good: "+err.Error())
				return
			}
		}
		body, status, why := plainBody(r, sent)
		if why != "" {
			refuse(w, status, why)
			return
		}
		serve(w, r, body)
	}
}

// readBody reads a body at once where its length is told.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	var b bytes.Buffer
	if n := r.ContentLength; n > 0 && n <= maxBody {
		b.Grow(int(n) + bytes.MinRead)
	}
	_, err := b.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody))
	return b.Bytes(), err
}

func stranger(w http.ResponseWriter, why string) {
	w.Header().Set("WWW-Authenticate", "Bearer")
	refuse(w, http.StatusUnauthorized, why)
}

// sameToken compares in constant time.
func sameToken(authorization string, token ringside.Secret) bool {
	scheme, shown, _ := strings.Cut(authorization, " ")
	return strings.EqualFold(scheme, "Bearer") &&
		subtle.ConstantTimeCompare([]byte(strings.TrimSpace(shown)), []byte(token.Reveal())) == 1
}

// plainBody decompresses a body and makes sure that it is JSON; why says what is wrong with it.
func plainBody(r *http.Request, sent []byte) (body []byte, status int, why string) {
	if len(sent) == 0 {
		return nil, 0, ""
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && !strings.HasSuffix(kind, "+json") {
		return nil, http.StatusUnsupportedMediaType, "Content-Type must be application/json"
	}
	body = sent
	switch strings.ToLower(r.Header.Get("Content-Encoding")) {
	case "", "identity":
	case "gzip":
		if body, err = unzip(sent); err != nil {
			return nil, http.StatusBadRequest, "the body is no whole gzip stream"
		}
	default:
		return nil, http.StatusUnsupportedMediaType, "Content-Encoding must be gzip, or left out"
	}
	switch {
	case len(body) > maxBody:
		return nil, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has more than %d bytes, decompressed", maxBody)
	case !json.Valid(body):
		return nil, http.StatusBadRequest, "the body is no JSON"
	}
	return body, 0, ""
}

func unzip(sent []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(sent))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.Grow(min(8*len(sent), maxBody) + bytes.MinRead)
	_, err = b.ReadFrom(io.LimitReader(z, maxBody+1))
	return b.Bytes(), err
}
