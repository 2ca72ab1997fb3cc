package plan

import (
	"crypto/subtle"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/ringside-pbx/ringside"
)

// Path is where a Pages answers.
const Path = "/freeswitch/dialplan"

// maxForm is how much of a question is read: FreeSWITCH sends all variables of the call.
const maxForm = 512 << 10

// Pages answers FreeSWITCH's mod_xml_curl from memory. It may be used by any number of goroutines at once.
type Pages struct {
	// Context is the only one that there is an answer on.
	Context string
	// Allow may ask, and who is on this machine; anybody else needs the token, and without one can't.
	Allow []netip.Prefix
	Token ringside.Secret

	static, handOver atomic.Pointer[[]byte]
}

// SetStatic replaces the rules; nil is none.
func (p *Pages) SetStatic(context []byte) { set(&p.static, context) }

// SetHandOver replaces the hand-over; nil is none.
func (p *Pages) SetHandOver(context []byte) { set(&p.handOver, context) }

func set(at *atomic.Pointer[[]byte], context []byte) {
	if context == nil {
		at.Store(nil)
		return
	}
	answer := Answer(context)
	at.Store(&answer)
}

// ServeHTTP implements http.Handler.
func (p *Pages) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	refuse := func(status int, why string) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(why + "\n"))
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if !p.admits(req) {
		w.Header().Set("WWW-Authenticate", `Basic realm="ringside"`)
		refuse(http.StatusUnauthorized, "show http.token as the password, or ask from this machine or an address in allow")
		return
	}
	if req.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(http.StatusMethodNotAllowed, "this address takes POST only")
		return
	}
	mode := req.URL.Query().Get("mode")
	if mode != "" && mode != "static" && mode != "socket" {
		refuse(http.StatusBadRequest, "mode is static or socket")
		return
	}
	req.Body = http.MaxBytesReader(w, req.Body, maxForm)
	if err := req.ParseForm(); err != nil {
		refuse(http.StatusBadRequest, "the form can't be read, or has more than "+strconv.Itoa(maxForm)+" bytes")
		return
	}
	answer := NoAnswer()
	at := &p.static
	if mode == "socket" {
		at = &p.handOver
	}
	if found := at.Load(); found != nil && p.asked(req.PostForm) {
		answer = *found
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	_, _ = w.Write(answer)
}

// asked reports whether a form asks for the context. A call that was transferred hunts in another one than it came to.
func (p *Pages) asked(form url.Values) bool {
	context := form.Get("Hunt-Context")
	if context == "" {
		context = form.Get("Caller-Context")
	}
	return form.Get("section") == "dialplan" && context == p.Context
}

// admits reports whether who asks may have an answer. Behind a proxy everybody is on this machine, so a request that
// one has passed on needs the token.
func (p *Pages) admits(req *http.Request) bool {
	if !p.Token.IsZero() {
		_, shown, ok := req.BasicAuth()
		if !ok {
			scheme, bearer, _ := strings.Cut(req.Header.Get("Authorization"), " ")
			if strings.EqualFold(scheme, "Bearer") {
				shown = strings.TrimSpace(bearer)
			}
		}
		if subtle.ConstantTimeCompare([]byte(shown), []byte(p.Token.Reveal())) == 1 {
			return true
		}
	}
	for _, header := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if req.Header.Get(header) != "" {
			return false
		}
	}
	peer, err := netip.ParseAddrPort(req.RemoteAddr)
	if err != nil {
		return false
	}
	ip := peer.Addr().Unmap()
	if ip.IsLoopback() {
		return true
	}
	for _, net := range p.Allow {
		if net.Contains(ip) {
			return true
		}
	}
	return false
}
