package sync

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
)

const (
	// worthGzip is from which size on a body is compressed, in bytes.
	worthGzip = 1 << 10
	// maxAnswer bounds an answer, decompressed, but for a directory's.
	maxAnswer = 8 << 20
	// maxRefusal bounds what is read of an answer that is no success.
	maxRefusal = 16 << 10
	// idle is how long a body may rest before it is given up.
	idle = 20 * time.Second
)

var errIdle = errors.New("nothing arrived for too long")

// compressor compresses bodies; its writers are large and are used again.
type compressor struct{ writers sync.Pool }

// compress gives what write writes, of about the given size, as gzip.
func (c *compressor) compress(write func(io.Writer) error, size int) ([]byte, error) {
	into := bytes.NewBuffer(make([]byte, 0, size/8+1024))
	z, ok := c.writers.Get().(*gzip.Writer)
	if ok {
		z.Reset(into)
	} else {
		var err error
		if z, err = gzip.NewWriterLevel(into, gzip.BestSpeed); err != nil {
			return nil, err
		}
	}
	err := errors.Join(write(z), z.Close())
	c.writers.Put(z)
	return into.Bytes(), err
}

// isJSON reports whether a Content-Type is JSON's.
func isJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
}

// readAll reads a body of at most limit bytes. It is given up when nothing arrives for a while.
func readAll(ctx context.Context, cancel context.CancelCauseFunc, body io.Reader, limit int64) ([]byte, error) {
	timer := time.AfterFunc(idle, func() { cancel(errIdle) })
	defer timer.Stop()
	var b bytes.Buffer
	buf := make([]byte, 32<<10)
	for {
		n, err := body.Read(buf)
		if n > 0 {
			timer.Reset(idle)
			b.Write(buf[:n])
		}
		switch {
		case int64(b.Len()) > limit:
			return nil, nonsense("it is larger than %d bytes", limit)
		case errors.Is(err, io.EOF):
			return b.Bytes(), nil
		case err != nil && ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil:
			return nil, err
		}
	}
}

// decode reads a JSON answer. Unknown keys are those of a newer CRM.
func decode(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return nonsense("%s is a %s", wrong.Field, wrong.Value)
		}
		return nonsense("it is not whole, or no JSON (%d bytes)", len(body))
	}
	return nil
}

// saidBy reads what the CRM says about a refusal. structured is false for a body that is not the
// contract's: then somebody else has answered.
func saidBy(contentType string, body []byte) (said string, structured bool) {
	var f struct {
		Error  string          `json:"error"`
		Detail json.RawMessage `json:"detail"` // as the CRM's framework says it
	}
	if !isJSON(contentType) || json.Unmarshal(body, &f) != nil {
		return "", false
	}
	if f.Error == "" && f.Detail != nil {
		f.Error = string(f.Detail)
	}
	return f.Error, true
}
