package sync

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/trust"
)

// realClient makes a client that speaks over the network.
func realClient(t *testing.T, address string, conf trust.TLS, allow ...netip.Prefix) (*client, error) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := NewTransport(u, conf, allow)
	if err != nil {
		return nil, err
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &client{
		base: u, credentials: NewCredentials(ringside.NewSecret("t0ken"), "", ringside.Secret{}), node: "office", agent: "ringside/test",
		timeout: 2 * time.Second, now: time.Now, heard: func(http.Header, time.Time, time.Time) {},
		http: http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}, nil
}

func troubleOf(t *testing.T, err error) Trouble {
	t.Helper()
	var f *Failure
	if !errors.As(err, &f) {
		t.Fatalf("it is no failure: %v", err)
	}
	return f.Trouble
}

func TestHostileAnswers(t *testing.T) {
	endless := func(w http.ResponseWriter) {
		block := bytes.Repeat([]byte("[1,"), 10_000)
		for {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}
	for _, tc := range []struct {
		name  string
		serve http.HandlerFunc
		want  Trouble
		text  string
	}{
		{"a page of a proxy with 200", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, "<html>Please log in</html>")
		}, Interfered, "text/html"},
		{"a body without a type", func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			_, _ = io.WriteString(w, "{}")
		}, Interfered, "no type"},
		{"a redirection", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data", http.StatusFound)
		}, Interfered, "169.254.169.254"},
		{"a 400 of a proxy", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "<center>400 Bad Request</center>", http.StatusBadRequest)
		}, Interfered, "400"},
		{"a gzip bomb", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Encoding", "gzip")
			z, _ := gzip.NewWriterLevel(w, gzip.BestCompression)
			zeros := make([]byte, 1<<20)
			for range 1024 {
				if _, err := z.Write(zeros); err != nil {
					return
				}
			}
			_ = z.Close()
		}, Nonsense, "larger than"},
		{"an endless body", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			endless(w)
		}, Nonsense, "larger than"},
		{"an endless refusal", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusInternalServerError)
			endless(w)
		}, Busy, "500"},
		{"a cut off body", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"results":[`)
		}, Unreachable, "broke off"},
		{"a reset", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, Unreachable, "broke off"},
		{"silence", func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		}, Unreachable, "in time"},
		{"no more patience", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			answerJSON(w, 429, ErrorBody{Error: "slow down\x00\n"})
		}, Busy, "slow down"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := httptest.NewServer(tc.serve)
			defer srv.Close()
			c, err := realClient(t, srv.URL+"/v1/", trust.TLS{})
			if err != nil {
				t.Fatal(err)
			}
			if tc.text == "in time" {
				c.timeout = 100 * time.Millisecond
			} else {
				c.timeout = 30 * time.Second
			}
			_, err = c.do(t.Context(), &request{method: "POST", path: "calls", body: []byte(`{}`)})
			if got := troubleOf(t, err); got != tc.want || !strings.Contains(err.Error(), tc.text) || strings.ContainsAny(err.Error(), "\n\x00") {
				t.Errorf("%s: %v", got, err)
			}
			if strings.Contains(err.Error(), "t0ken") {
				t.Error("the token is in the error")
			}
		})
	}
}

func TestWrongTypesInAnAnswerAreNonsense(t *testing.T) {
	for _, body := range []string{`{"results": 5}`, `{"results":[{"key":1}]}`, `[]`, `null x`, `{"results":[`, ``} {
		var res Results
		if err := decode([]byte(body), &res); err == nil || troubleOf(t, err) != Nonsense {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestARequestSaysWhoAsks(t *testing.T) {
	var got *http.Request
	var body []byte
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		answerJSON(w, 200, struct{}{})
	}))
	defer srv.Close()
	c, err := realClient(t, srv.URL+"/crm/v1/", trust.TLS{})
	if err != nil {
		t.Fatal(err)
	}
	c.credentials = NewCredentials(ringside.NewSecret("t0ken"), "", ringside.NewSecret("signing"))
	large := []byte(`{"x":"` + strings.Repeat("y", 2000) + `"}`)
	if _, err := c.do(t.Context(), &request{method: "POST", path: "calls", body: large, key: "k"}); err != nil {
		t.Fatal(err)
	}
	h := got.Header
	if got.URL.Path != "/crm/v1/calls" || h.Get("Authorization") != "Bearer t0ken" || h.Get(HeaderNode) != "office" ||
		h.Get("Idempotency-Key") != "k" || h.Get("Content-Encoding") != "gzip" || h.Get(HeaderSignature) == "" || h.Get(HeaderTimestamp) == "" {
		t.Errorf("%s %v", got.URL, h)
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := io.ReadAll(z); err != nil || !bytes.Equal(plain, large) {
		t.Errorf("%d bytes arrived, %v", len(plain), err)
	}
}

func TestOnlyAllowedAddressesAreConnectedTo(t *testing.T) {
	vpn := netip.MustParsePrefix("10.8.0.0/16")
	for _, tc := range []struct {
		host, dialled string
		allow         []netip.Prefix
		want          bool
	}{
		{"crm.example.com", "93.184.216.34", nil, true},
		{"crm.example.com", "2606:2800:220:1::1", nil, true},
		{"crm.example.com", "127.0.0.1", nil, false},
		{"crm.example.com", "127.0.0.2", nil, false},
		{"crm.example.com", "::1", nil, false},
		{"crm.example.com", "::ffff:127.0.0.1", nil, false},
		{"crm.example.com", "0.0.0.0", nil, false},
		{"crm.example.com", "::", nil, false},
		{"crm.example.com", "169.254.169.254", nil, false},
		{"crm.example.com", "fe80::1", nil, false},
		{"crm.example.com", "fd00::1", nil, false},
		{"crm.example.com", "10.8.0.5", nil, false},
		{"crm.example.com", "192.168.1.1", nil, false},
		{"crm.example.com", "172.16.0.1", nil, false},
		{"crm.example.com", "100.64.0.1", nil, false},
		{"crm.example.com", "198.18.0.1", nil, false},
		{"crm.example.com", "224.0.0.1", nil, false},
		{"crm.example.com", "255.255.255.255", nil, false},
		{"crm.example.com", "64:ff9b::7f00:1", nil, false},
		{"crm.example.com", "2002:7f00:1::", nil, false},
		{"crm.example.com", "10.8.0.5", []netip.Prefix{vpn}, true},
		{"crm.example.com", "::ffff:10.8.0.5", []netip.Prefix{vpn}, true},
		{"crm.example.com", "10.9.0.5", []netip.Prefix{vpn}, false},
		{"127.0.0.1", "127.0.0.1", nil, true},
		{"127.0.0.1", "127.0.0.2", nil, false},
		{"192.168.7.7", "192.168.7.7", nil, true},
		{"localhost", "127.0.0.1", nil, true},
		{"localhost", "::1", nil, true},
		{"localhost", "10.0.0.1", nil, false},
	} {
		err := newDialer(tc.host, tc.allow).ControlContext(t.Context(), "tcp", net.JoinHostPort(tc.dialled, "443"), nil)
		if (err == nil) != tc.want {
			t.Errorf("%s, dialled at %s: %v", tc.host, tc.dialled, err)
		}
	}
}

func TestANameThatLeadsInsideIsRefusedWhenItIsDialled(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, 200, struct{}{}) }))
	defer srv.Close()
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	// The machine's own name for itself stands for a name whose answer has flipped to loopback.
	c, err := realClient(t, "http://rebound.localhost:"+port+"/", trust.TLS{})
	if err != nil {
		t.Fatal(err)
	}
	c.http.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return newDialer("crm.example.com", nil).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	}
	_, err = c.do(t.Context(), &request{method: "GET", path: "config"})
	if troubleOf(t, err) != Unreachable || !strings.Contains(err.Error(), "crm.allow") {
		t.Errorf("%v", err)
	}
}

func TestAMissingNameIsSaidPlainly(t *testing.T) {
	f := netFailure(&url.Error{Op: "Get", Err: &net.OpError{Op: "dial", Err: &net.DNSError{Name: "crm.example", IsNotFound: true}}})
	if f.Trouble != Unreachable || !strings.Contains(f.Reason, "not known to DNS") {
		t.Errorf("%+v", f)
	}
	f = netFailure(&net.DNSError{IsTemporary: true})
	if !strings.Contains(f.Reason, "DNS does not answer") {
		t.Errorf("%+v", f)
	}
}

// authority signs certificates for tests.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, _ := x509.ParseCertificate(der)
	return &authority{key, cert}
}

func (a *authority) sign(t *testing.T, host string, until time.Time) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// file writes PEM blocks to a file.
func pemFile(t *testing.T, kind string, der []byte) string {
	file := filepath.Join(t.TempDir(), kind)
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestCertificates(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	good := ca.sign(t, "127.0.0.1", time.Now().Add(time.Hour))
	mine := ca.sign(t, "office", time.Now().Add(time.Hour))
	mineKey, err := x509.MarshalECPrivateKey(mine.PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	caFile := pemFile(t, "CERTIFICATE", ca.cert.Raw)
	sum := sha256.Sum256(good.Certificate[0])
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	for _, tc := range []struct {
		name   string
		serve  tls.Certificate
		mutual bool
		conf   trust.TLS
		want   string // of the reason; empty succeeds
	}{
		{"a private authority", good, false, trust.TLS{CAFile: caFile}, ""},
		{"an authority nobody trusts", good, false, trust.TLS{}, "not trusted here"},
		{"a proxy that looks into TLS", other.sign(t, "127.0.0.1", time.Now().Add(time.Hour)), false, trust.TLS{CAFile: caFile}, "not trusted here"},
		{"expired", ca.sign(t, "127.0.0.1", time.Now().Add(-time.Hour)), false, trust.TLS{CAFile: caFile}, "expired"},
		{"another name", ca.sign(t, "other.example", time.Now().Add(time.Hour)), false, trust.TLS{CAFile: caFile}, "another name"},
		{"pinned", good, false, trust.TLS{Pin: hex.EncodeToString(sum[:])}, ""},
		{"not the pinned one", ca.sign(t, "127.0.0.1", time.Now().Add(time.Hour)), false, trust.TLS{Pin: hex.EncodeToString(sum[:])}, "pinned"},
		{"mutual", good, true, trust.TLS{CAFile: caFile, CertFile: pemFile(t, "CERTIFICATE", mine.Certificate[0]), KeyFile: pemFile(t, "EC PRIVATE KEY", mineKey)}, ""},
		{"mutual, without one", good, true, trust.TLS{CAFile: caFile}, "refuses the TLS connection"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, 200, struct{}{}) }))
			srv.TLS = &tls.Config{Certificates: []tls.Certificate{tc.serve}}
			if tc.mutual {
				srv.TLS.ClientAuth, srv.TLS.ClientCAs = tls.RequireAndVerifyClientCert, pool
			}
			srv.Config.ErrorLog = discardLog()
			srv.StartTLS()
			defer srv.Close()
			c, err := realClient(t, srv.URL, tc.conf)
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.do(t.Context(), &request{method: "GET", path: "config"})
			switch {
			case tc.want == "" && err != nil:
				t.Error(err)
			case tc.want != "" && (troubleOf(t, err) != Unreachable || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("%v", err)
			}
		})
	}
}

func TestBadTLSFilesAreNamed(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for want, conf := range map[string]trust.TLS{
		"ca_file: open /nonexistent": {CAFile: "/nonexistent"}, "holds no PEM certificate": {CAFile: empty},
		"cert_file, key_file": {CertFile: empty, KeyFile: empty}, "pin: it is no SHA-256": {Pin: "abc"},
	} {
		if _, err := realClient(t, "https://crm.example/", conf); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v", err)
		}
	}
}

func TestATokenFileIsReadAgainWhenItChanges(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	write := func(text string, at time.Time) {
		if err := errors.Join(os.WriteFile(file, []byte(text), 0o600), os.Chtimes(file, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now().Truncate(time.Second)
	write("first\n", now.Add(-2*time.Hour))
	c := NewCredentials(ringside.Secret{}, file, ringside.Secret{})
	if got := c.Token().Reveal(); got != "first" {
		t.Fatalf("the token is %q", got)
	}
	write("second", now.Add(-time.Hour))
	if !c.Renewed() || c.Token().Reveal() != "second" || c.Renewed() {
		t.Error("the renewed token is not taken once")
	}
	write("third", now.Add(-time.Minute))
	if c.State(); !c.Renewed() || c.Renewed() { // as 'ringside sync status' looks before anybody else
		t.Error("a look at the state hides that the token is renewed")
	}
	write("second", now.Add(-time.Second))
	if !c.Renewed() {
		t.Error("the next one is not taken")
	}
	write("two words", now)
	if c.Renewed() || c.Token().Reveal() != "second" {
		t.Error("nonsense takes a good token's place")
	}
	if s := c.State(); s.Error == "" || s.warning(now) == "" || strings.Contains(s.Error, "two") {
		t.Errorf("the state is %+v", s)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if c.Token().Reveal() != "second" || !strings.Contains(c.State().Error, "no such file") {
		t.Errorf("without the file: %+v", c.State())
	}
	write("third", now.Add(time.Second))
	if c.Token().Reveal() != "third" || c.State().Error != "" {
		t.Errorf("after it is back: %+v", c.State())
	}
}

func TestATokenThatNobodyRenewsIsWarnedOf(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	jwt := func(exp time.Time) string {
		claims := fmt.Sprintf(`{"sub":"office","exp":%d}`, exp.Unix())
		return "aaa." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".bbb"
	}
	for _, tc := range []struct {
		name    string
		token   string
		changed time.Duration // ago
		want    string
	}{
		{"opaque", "opaque", 1000 * time.Hour, ""},
		{"dots but no JWT", "a.b.c", 0, ""},
		{"long to go", jwt(now.Add(5 * time.Hour)), time.Hour, ""},
		{"fresh and short-lived", jwt(now.Add(50 * time.Minute)), 10 * time.Minute, ""},
		{"the renewer stopped", jwt(now.Add(5 * time.Minute)), 55 * time.Minute, "expires in 5 min; nobody has renewed"},
		{"expired", jwt(now.Add(-10 * time.Hour)), 11 * time.Hour, "expired 10 h ago"},
	} {
		s := TokenState{File: "crm.token", Expires: expiry(ringside.NewSecret(tc.token)), Changed: now.Add(-tc.changed)}
		if got := s.warning(now); (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %q", tc.name, got)
		}
	}
}

func TestClocksThatDifferAreSaidOnce(t *testing.T) {
	log := &lines{}
	st := newState(Options{Log: textLog(log), Now: time.Now})
	at := time.Now()
	hear := func(skew time.Duration) {
		st.heard(http.Header{"Date": {at.Add(-skew).UTC().Format(http.TimeFormat)}}, at, at)
	}
	hear(2 * time.Second)
	for range 5 {
		hear(time.Hour)
	}
	var s Status
	st.fill(&s)
	if log.count("CRM differ") != 1 || len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], "1 h ahead") || s.ClockSkew < 3599 {
		t.Errorf("%s %+v", log, s)
	}
	hear(45 * time.Second) // not yet calm
	hear(time.Second)
	if log.count("agree again") != 1 {
		t.Error(log)
	}
}

func TestTheDayOnWhichTheDiskFills(t *testing.T) {
	now := time.Now()
	b := ringside.Backlog{Calls: 1000, Bytes: 1 << 30, Oldest: now.Add(-24 * time.Hour)}
	if got := fullAt(b, ringside.Disk{Free: 15 << 30}, now).Sub(now).Round(time.Hour); got != 240*time.Hour {
		t.Errorf("full in %s", got)
	}
	for _, none := range []ringside.Backlog{{}, {Calls: 1, Bytes: 100, Oldest: now.Add(-time.Second)}, {Calls: 1, Bytes: 1, Oldest: now.Add(-24 * time.Hour)}} {
		if got := fullAt(none, ringside.Disk{Free: 15 << 30}, now); !got.IsZero() {
			t.Errorf("%+v: full at %s", none, got)
		}
	}
}

// relay passes bytes on to a server, until it is told to swallow those of the connections that it has.
type relay struct {
	net.Listener
	to    string
	mu    sync.Mutex
	conns []net.Conn
	mute  map[net.Conn]bool
	wg    sync.WaitGroup
}

func newRelay(t *testing.T, to string) *relay {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{Listener: l, to: to, mute: map[net.Conn]bool{}}
	r.wg.Go(r.serve)
	t.Cleanup(func() {
		_ = l.Close()
		r.mu.Lock()
		for _, c := range r.conns {
			_ = c.Close()
		}
		r.mu.Unlock()
		r.wg.Wait()
	})
	return r
}

func (r *relay) serve() {
	for {
		in, err := r.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", r.to)
		if err != nil {
			_ = in.Close()
			return
		}
		r.mu.Lock()
		r.conns = append(r.conns, in, out)
		r.mu.Unlock()
		r.wg.Go(func() { r.pass(in, out) })
		r.wg.Go(func() { r.pass(out, in) })
	}
}

func (r *relay) pass(to, from net.Conn) {
	for buf := make([]byte, 32<<10); ; {
		n, err := from.Read(buf)
		if err != nil {
			_ = to.Close()
			return
		}
		r.mu.Lock()
		mute := r.mute[to]
		r.mu.Unlock()
		if !mute {
			_, _ = to.Write(buf[:n])
		}
	}
}

// swallow lets the connections so far be there, and nothing arrive.
func (r *relay) swallow() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		r.mute[c] = true
	}
}

func TestAConnectionThatIsDeadButOpenIsGivenUp(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answerJSON(w, 200, map[string]string{"over": r.Proto})
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	sum := sha256.Sum256(srv.Certificate().Raw)
	r := newRelay(t, srv.Listener.Addr().String())
	c, err := realClient(t, "https://"+r.Addr().String()+"/", trust.TLS{Pin: hex.EncodeToString(sum[:])})
	if err != nil {
		t.Fatal(err)
	}
	conf := c.http.Transport.(*http.Transport).HTTP2
	if conf == nil || conf.SendPingTimeout <= 0 || conf.SendPingTimeout+conf.PingTimeout > 30*time.Second {
		t.Fatalf("a dead connection is not looked for: %+v", conf)
	}
	conf.SendPingTimeout, conf.PingTimeout = 50*time.Millisecond, 50*time.Millisecond
	c.timeout = 300 * time.Millisecond
	ask := func() (*answer, error) { return c.do(t.Context(), &request{method: "GET", path: "config"}) }
	if a, err := ask(); err != nil || !strings.Contains(string(a.body), "HTTP/2") {
		t.Fatalf("%+v, %v", a, err)
	}
	r.swallow()
	for deadline := time.Now().Add(10 * time.Second); ; {
		if _, err := ask(); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the dead connection is still in use")
		}
	}
}
