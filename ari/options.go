package ari

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// Options make an App.
type Options struct {
	// URL is where Asterisk serves ARI, such as http://127.0.0.1:8088/ari.
	URL string
	// TLS is for https; nil trusts the system's authorities.
	TLS *tls.Config
	// Username and Password are those of ari.conf.
	Username string
	Password ringside.Secret
	// Name is the application's, with which the dialplan calls Stasis(); empty is "ringside".
	Name string
	// Timeout bounds every request; 0 is 5 s.
	Timeout time.Duration
	// Keepalive is how often the WebSocket is asked whether it is there; 0 is 15 s.
	Keepalive time.Duration
	// Grace is how long calls in progress are kept while the WebSocket is away; 0 is 30 s.
	Grace time.Duration
	// Lease is how long callers who do not talk wait for a ringside that has died until the dialplan's
	// extension T serves them, if it has one; 0 is 1 min.
	Lease time.Duration
	// Deadline bounds every decision; 0 is 50 ms.
	Deadline time.Duration
	// Default is the extension that a call is released with when there is no decision in time; empty
	// releases it with RINGSIDE_RESULT alone.
	Default string
	// MaxCalls bounds the calls at one time; 0 is 2,000. One more goes back to the dialplan.
	MaxCalls int
	Dial     dialplan.Dial
	// Record lets talks be recorded whose extensions ask for it.
	Record bool
	// Witness is told of each call that Originate has placed and that has ended; nil: somebody else tells of
	// them. It may take its time.
	Witness func(context.Context, ringside.Witnessed)
	Log     *slog.Logger

	// dial makes connections; nil makes them over the network. Tests make them in memory.
	dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

func (o Options) withDefaults() Options {
	o.Name = cmp.Or(o.Name, "ringside")
	o.Timeout = cmp.Or(o.Timeout, 5*time.Second)
	o.Keepalive = cmp.Or(o.Keepalive, 15*time.Second)
	o.Grace = cmp.Or(o.Grace, 30*time.Second)
	o.Lease = cmp.Or(o.Lease, time.Minute)
	o.Deadline = cmp.Or(o.Deadline, 50*time.Millisecond)
	o.MaxCalls = cmp.Or(o.MaxCalls, 2000)
	if o.dial == nil {
		o.dial = (&net.Dialer{Timeout: o.Timeout, KeepAlive: 15 * time.Second}).DialContext
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Validate returns everything that is wrong with the options, each error with its field.
func (o Options) Validate() (errs []error) {
	if _, err := baseURL(o.URL); err != nil {
		errs = append(errs, err)
	}
	if o.Username == "" {
		errs = append(errs, errors.New("username: it is missing"))
	}
	if o.Name != "" {
		if err := CheckName(o.Name); err != nil {
			errs = append(errs, fmt.Errorf("app: %w", err))
		}
	}
	return errs
}

// CheckName says why an application can't have a name; nil if it can.
func CheckName(name string) error {
	if !dialplan.Word(name, maxAppName) {
		return fmt.Errorf("%.40q is no name: letters, digits and _ - . may stand in one", name)
	}
	for _, kind := range []string{legID, placedID, bridgeID, soundID} {
		if strings.HasSuffix(name, "-"+kind) {
			return fmt.Errorf("%.40q ends in -%s, as the names do that ringside gives to its channels and bridges", name, kind)
		}
	}
	return nil
}

// maxAppName keeps the ids that begin with the application's name within what Asterisk takes.
const maxAppName = 40

// baseURL reads where ARI is. A password in it would get into logs.
func baseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, errors.New("url: it is no URL, such as http://127.0.0.1:8088/ari")
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		// It is not shown: what stands before an @ may be a password.
		return nil, errors.New("url: it is no URL, such as http://127.0.0.1:8088/ari")
	case u.User != nil:
		return nil, errors.New("url: user and password belong in username and password")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("url: nothing may follow the path")
	}
	return u, nil
}
