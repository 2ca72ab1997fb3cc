package store

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
)

// pack compresses a document: directories are JSON that repeats itself.
func pack(document []byte) ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(document)
	if err := errors.Join(err, w.Close()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// unpack gives the document; its checksum tells a damaged one.
func unpack(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	document, err := io.ReadAll(r)
	return document, errors.Join(err, r.Close())
}
