package sync

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/backoff"
)

// soonest is how often a CRM is asked that does not hold back its answer.
const soonest = 2 * time.Second

// followDirectory keeps the directory as the CRM has it: each answer is waited for as long as the
// CRM allows, so that a change is in effect at once.
func (l *Link) followDirectory(ctx context.Context, s *stream) {
	tries := s.retries()
	p := puller{link: l, restless: backoff.Backoff{First: firstWait, Last: lastWait}}
	for s.enter(ctx) {
		begun := l.opt.Now()
		news, err := p.pull(ctx)
		if errors.Is(err, errInterrupted) {
			continue // nobody has answered
		}
		if err != nil {
			p.hurry = true
			if !tries.failed(ctx, err, l.refresh) {
				return
			}
			continue
		}
		tries.ok()
		if pause := p.pause(news, l.opt.Now().Sub(begun)); pause > 0 && !rest(ctx, pause, l.refresh) {
			return
		}
	}
}

// pause is how long the CRM is not asked after an answer that took so long.
func (p *puller) pause(news bool, took time.Duration) time.Duration {
	if news && (took < soonest || !p.waited) {
		// One whose directory is another one at every look, be it by a time in it, is looked at less and less.
		return p.restless.Next(0)
	}
	p.restless.Reset()
	// A CRM that answers "nothing new" at once knows no long polls.
	return max(0, soonest-took)
}

// puller is what the last pulls have taught.
type puller struct {
	link *Link
	// etag and digest are of the document that was seen last, whether it was taken or not: one that
	// was refused is not offered again and again.
	etag, digest string
	started      bool
	// hurry asks for an answer at once: the link was down, or has just begun. waited: the last one was
	// to be held back until there was something new.
	hurry, waited bool
	// restless counts the new documents that came without a wait, one after the other.
	restless backoff.Backoff
}

// pull asks once. It reports whether there was a document that had not been seen.
func (p *puller) pull(ctx context.Context) (news bool, err error) {
	l := p.link
	if !p.started {
		p.etag = l.opt.Directory.DirectoryETag()
		p.started, p.hurry = true, true
	}
	r := &request{method: http.MethodGet, path: PathConfig, etag: p.etag, limit: ringside.MaxDocument}
	if p.waited = p.etag != "" && !p.hurry; p.waited {
		r.wait = l.opt.Wait
		r.query = url.Values{"wait": {strconv.Itoa(int(l.opt.Wait / time.Second))}}
	}
	// Whoever asks for a refresh does not wait for the long poll's end.
	ctx, stop := interruptible(ctx, l.refresh)
	defer stop()
	a, err := l.client.do(ctx, r)
	if errors.Is(err, errInterrupted) {
		p.hurry = true
	}
	if err != nil {
		return false, err
	}
	p.hurry = false
	if a.status == http.StatusNotModified {
		return false, nil
	}
	sum := sha256.Sum256(a.body)
	digest := hex.EncodeToString(sum[:])
	if digest == p.digest && a.etag == p.etag {
		return false, nil
	}
	if err := p.offer(ctx, a); err != nil {
		return false, err
	}
	p.etag, p.digest = a.etag, digest
	return true, nil
}

// offer hands a document on. One that is refused is the CRM's trouble, and said so; it is not asked
// for again.
func (p *puller) offer(ctx context.Context, a *answer) error {
	_, err := p.link.opt.Directory.OfferDirectory(ctx, Document{Data: a.body, ETag: a.etag, Source: "crm", Author: "CRM"})
	switch {
	case err == nil, errors.Is(err, ErrOlder):
		return nil // the keeper of the directory tells about it
	case ringside.DecodeErrorsOf(err) != nil:
		return nil
	}
	return err
}

var errInterrupted = errors.New("somebody asks for the directory now")

// interruptible ends ctx when woken has a token, which it takes.
func interruptible(ctx context.Context, woken <-chan struct{}) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-woken:
			cancel(errInterrupted)
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-done
	}
}
