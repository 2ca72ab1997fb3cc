package sync

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/ringside-pbx/ringside/internal/trust"
)

// Trouble is the kind of a failure: what is done about it depends on nothing else.
type Trouble string

// The kinds of trouble. None of them concerns calls: they are decided and recorded all the same.
const (
	// Unreachable: no answer. Tried again, less and less often.
	Unreachable Trouble = "unreachable"
	// Busy: the CRM asks for patience or is broken for the moment. Tried again, when it says so.
	Busy Trouble = "busy"
	// Unauthorized: the credentials are refused. Nothing is sent any more but a rare probe.
	Unauthorized Trouble = "unauthorized"
	// Interfered: somebody else answers in the CRM's place. Tried again.
	Interfered Trouble = "interfered"
	// Missing: the CRM does not serve this call. Tried again, rarely.
	Missing Trouble = "missing"
	// Refusal: the CRM does not take what the request holds. The batch is halved; a single record
	// goes to the rejected bucket.
	Refusal Trouble = "refused"
	// TooLarge: as Refusal, but the bucket names the size.
	TooLarge Trouble = "too-large"
	// NoCompression: the CRM does not understand compressed bodies. Sent again as it is.
	NoCompression Trouble = "no-compression"
	// Gone: the cursor is no longer known. Read from the beginning.
	Gone Trouble = "gone"
	// Nonsense: a success whose body is not what the contract says. Tried again.
	Nonsense Trouble = "nonsense"
	// Local: the store would not take it. Tried again.
	Local Trouble = "local"
)

// Failure is why a request came to nothing.
type Failure struct {
	Trouble Trouble
	// Status is the HTTP status; 0 if there was no answer.
	Status int
	// Reason is a sentence for a person. It holds no secret.
	Reason string
	// RetryAfter is what the CRM asked for; 0 if nothing.
	RetryAfter time.Duration
	err        error
}

// Error gives the reason.
func (f *Failure) Error() string { return f.Reason }

// Unwrap gives the cause, if there was one on this side.
func (f *Failure) Unwrap() error { return f.err }

// suspect reports whether one of the records in a batch may be what the failure is about, though nobody
// says so: a CRM that trips over one answers 500 or nonsense, and what stands in between and dislikes one
// answers in its own words.
func (f *Failure) suspect() bool {
	switch f.Trouble {
	case Interfered, Nonsense:
		return true
	}
	return f.Status == http.StatusInternalServerError
}

// judge is the one table of what is done about an HTTP status. structured says whether the body is
// the contract's: only the CRM itself can refuse a record, not what stands in between.
func judge(status int, structured bool) Trouble {
	switch status {
	case http.StatusUnauthorized:
		return Unauthorized
	case http.StatusForbidden:
		if structured {
			return Unauthorized
		}
		return Interfered // a firewall that dislikes what the request holds
	case http.StatusProxyAuthRequired, http.StatusNetworkAuthenticationRequired:
		return Interfered
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return Busy
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return Missing
	case http.StatusGone:
		return Gone
	case http.StatusRequestEntityTooLarge:
		return TooLarge
	case http.StatusUnsupportedMediaType:
		return NoCompression
	case http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity:
		if structured {
			return Refusal
		}
		return Interfered
	}
	switch {
	case status >= 500:
		return Busy
	case status >= 400:
		return Missing // the request as such, not what it holds
	case status >= 300:
		return Interfered
	}
	return Nonsense
}

// statusFailure describes an answer that is no success.
func statusFailure(status int, header http.Header, said string, structured bool, now time.Time) *Failure {
	f := &Failure{Trouble: judge(status, structured), Status: status, RetryAfter: retryAfter(header, now)}
	name := strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))
	switch f.Trouble {
	case Unauthorized:
		f.Reason = "the CRM refuses the credentials (" + name + ")"
	case Interfered:
		f.Reason = "something between here and the CRM answers in its place (" + name + ")"
		if to := header.Get("Location"); to != "" && status < 400 {
			f.Reason += ", with a redirection to " + spoken(to)
		}
	case Missing:
		f.Reason = "the CRM does not serve this request (" + name + ")"
	case Busy:
		f.Reason = "the CRM can't answer just now (" + name + ")"
	case Gone:
		f.Reason = "the CRM no longer knows where reading stopped (" + name + ")"
	default:
		f.Reason = "the CRM refuses the request (" + name + ")"
	}
	if said != "" {
		f.Reason += ": " + spoken(said)
	}
	return f
}

// retryAfter reads the header of that name, in seconds or as a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// netFailure describes a request that got no answer, or not all of it.
func netFailure(err error) *Failure {
	f := &Failure{Trouble: Unreachable, err: err}
	var (
		dns     *net.DNSError
		op      *net.OpError
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		verify  *tls.CertificateVerificationError
		record  tls.RecordHeaderError
	)
	switch {
	case errors.Is(err, errNotAllowed):
		f.Reason = "the CRM's address is not allowed: " + reasonOf(err, errNotAllowed)
	case errors.Is(err, trust.ErrPin):
		f.Reason = "the CRM shows another certificate than the pinned one"
	case errors.As(err, &unknown):
		f.Reason = "the CRM's certificate is signed by an authority that is not trusted here (a proxy that looks into TLS, or crm.ca_file is needed)"
	case errors.As(err, &name):
		f.Reason = "the CRM's certificate is for another name"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		f.Reason = "the CRM's certificate has expired, or a clock is wrong"
	case errors.As(err, &verify):
		f.Reason = "the CRM's certificate is not valid"
	case errors.As(err, &op) && op.Op == "remote error":
		f.Reason = "the CRM refuses the TLS connection: " + spoken(op.Err.Error())
	case errors.As(err, &record):
		f.Reason = "the CRM does not speak TLS at this address"
	case errors.As(err, &dns) && dns.IsNotFound:
		f.Reason = "the CRM's name is not known to DNS"
	case errors.As(err, &dns):
		f.Reason = "DNS does not answer for the CRM's name"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, errIdle):
		f.Reason = "the CRM does not answer in time"
	case errors.As(err, &op) && op.Op == "dial":
		f.Reason = "no connection to the CRM: " + op.Err.Error()
	default:
		f.Reason = "the connection to the CRM broke off"
	}
	return f
}

// reasonOf gives what an error says behind the sentinel that it wraps.
func reasonOf(err, sentinel error) string {
	_, after, _ := strings.Cut(err.Error(), sentinel.Error()+": ")
	return spoken(after)
}

// nonsense describes a success that does not hold to the contract.
func nonsense(format string, args ...any) *Failure {
	return &Failure{Trouble: Nonsense, Status: http.StatusOK, Reason: spoken("the CRM's answer makes no sense: " + fmt.Sprintf(format, args...))}
}

// local describes a store that would not take what came.
func local(err error) *Failure {
	return &Failure{Trouble: Local, Reason: spoken("what came from the CRM could not be kept: " + err.Error()), err: err}
}

// spoken makes text of others fit for one line of a log or page.
func spoken(s string) string {
	const most = 300
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
