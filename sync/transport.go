package sync

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/ringside-pbx/ringside/internal/trust"
)

var errNotAllowed = errors.New("not allowed")

// NewTransport makes the way to the CRM at base. Addresses are checked when they are dialled, after
// DNS has answered: only those that are public, written in base itself, or within allow are connected
// to. Proxies of the environment are not used. Its errors name what could not be read.
func NewTransport(base *url.URL, t trust.TLS, allow []netip.Prefix) (*http.Transport, error) {
	conf, err := t.Config()
	if err != nil {
		return nil, err
	}
	return &http.Transport{
		DialContext:            newDialer(base.Hostname(), allow).DialContext,
		TLSClientConfig:        conf,
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  0, // long polls; the request's own deadline holds
		ExpectContinueTimeout:  time.Second,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        90 * time.Second,
		ForceAttemptHTTP2:      true,
		MaxResponseHeaderBytes: 64 << 10,
		// A connection that is dead though nobody has closed it would be used for every attempt.
		HTTP2: &http.HTTP2Config{SendPingTimeout: quiet, PingTimeout: unheard},
	}, nil
}

// Over HTTP/2, a connection on which nothing has arrived for so long is asked whether it lives, and given
// up without an answer within that time.
const (
	quiet   = 10 * time.Second
	unheard = 5 * time.Second
)

// newDialer connects to addresses that are allowed for the host and to no others.
func newDialer(host string, allow []netip.Prefix) *net.Dialer {
	written, err := netip.ParseAddr(host)
	literal := err == nil
	loopback := strings.EqualFold(host, "localhost")
	permitted := func(ip netip.Addr) bool {
		ip = ip.Unmap()
		for _, p := range allow {
			if p.Contains(ip) {
				return true
			}
		}
		switch {
		case literal:
			return ip == written.Unmap()
		case loopback:
			return ip.IsLoopback()
		}
		return public(ip)
	}
	return &net.Dialer{
		Timeout: 10 * time.Second, KeepAlive: 30 * time.Second,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			ap, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("%w: %s", errNotAllowed, address)
			}
			if !permitted(ap.Addr()) {
				return fmt.Errorf("%w: %s is not public; name its network in crm.allow if it is the CRM's", errNotAllowed, ap.Addr().Unmap())
			}
			return nil
		},
	}
}

// public reports whether an address can be reached over the Internet. What is special to one machine,
// link or site is none (IANA's special-purpose registries).
func public(ip netip.Addr) bool {
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
		return false
	}
	for _, special := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
		"240.0.0.0/4", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fec0::/10",
	} {
		if netip.MustParsePrefix(special).Contains(ip) {
			return false
		}
	}
	return true
}
