package main

import (
	"crypto/tls"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/trust"
	crmsync "github.com/ringside-pbx/ringside/sync"
)

// CRMConfig is the link with the CRM.
type CRMConfig struct {
	URL               string          `yaml:"url"`
	Token             ringside.Secret `yaml:"token"`
	TokenFile         string          `yaml:"token_file"`
	SigningSecret     ringside.Secret `yaml:"signing_secret"`
	SigningSecretFile string          `yaml:"signing_secret_file"`
	CAFile            string          `yaml:"ca_file"`
	Pin               string          `yaml:"pin"`
	CertFile          string          `yaml:"cert_file"`
	KeyFile           string          `yaml:"key_file"`
	Allow             []string        `yaml:"allow"`
	Timeout           Duration        `yaml:"timeout"`
	Wait              Duration        `yaml:"wait"`
	Poll              Duration        `yaml:"poll"`
	Contacts          bool            `yaml:"contacts"`
	Annotations       bool            `yaml:"annotations"`
	CDRs              bool            `yaml:"cdrs"`
	Events            bool            `yaml:"events"`
}

// HTTPConfig is what ringside serves over HTTP: health, and what the CRM pushes.
type HTTPConfig struct {
	Listen            string          `yaml:"listen"`
	Token             ringside.Secret `yaml:"token"`
	TokenFile         string          `yaml:"token_file"`
	SigningSecret     ringside.Secret `yaml:"signing_secret"`
	SigningSecretFile string          `yaml:"signing_secret_file"`
	CertFile          string          `yaml:"cert_file"`
	KeyFile           string          `yaml:"key_file"`
}

// shortestSecret is how long a secret that strangers may guess at must be, in bytes.
const shortestSecret = 16

func (c *CRMConfig) problems(bad complaint) {
	exclusive(bad, "crm.token", c.Token, c.TokenFile)
	exclusive(bad, "crm.signing_secret", c.SigningSecret, c.SigningSecretFile)
	badPrefixes(bad, "crm.allow", c.Allow)
	pair(bad, "crm", c.CertFile, c.KeyFile)
	if !oneWord(c.Token) {
		bad("crm.token", "is no token: it must be one word of printable characters")
	}
	if c.Pin != "" && c.CAFile != "" {
		bad("crm.pin", "and crm.ca_file exclude each other: a pinned certificate needs no authority")
	}
	inBounds(bad, []bounds{
		{"crm.timeout", c.Timeout, time.Second, 5 * time.Minute},
		{"crm.wait", c.Wait, 0, time.Minute},
		{"crm.poll", c.Poll, time.Second, 24 * time.Hour},
	})
	if c.URL == "" {
		return
	}
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		// What was written may hold a password: it is not repeated.
		bad("crm.url", "is no URL, such as https://crm.example.com/ringside/v1/")
	case u.User != nil:
		bad("crm.url", "has a user name or password in it: use crm.token")
	case u.RawQuery != "" || u.Fragment != "":
		bad("crm.url", "has a query or fragment: it is the address below which the paths of the contract are")
	case u.Scheme == "http" && !c.near(u.Hostname()):
		bad("crm.url", "is http: tokens and records would cross the network in the clear; use https (http is taken for this machine and for addresses in crm.allow)")
	}
}

// near reports whether a host is this machine or an address of a network that is allowed by name.
func (c *CRMConfig) near(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	for _, p := range prefixes(c.Allow) {
		if p.Contains(ip) {
			return true
		}
	}
	return ip.IsLoopback()
}

func (c *HTTPConfig) problems(bad complaint) {
	exclusive(bad, "http.token", c.Token, c.TokenFile)
	exclusive(bad, "http.signing_secret", c.SigningSecret, c.SigningSecretFile)
	pair(bad, "http", c.CertFile, c.KeyFile)
	for path, s := range map[string]ringside.Secret{"http.token": c.Token, "http.signing_secret": c.SigningSecret} {
		if !s.IsZero() && len(s.Reveal()) < shortestSecret {
			bad(path, "is shorter than %d characters and could be guessed", shortestSecret)
		}
	}
	if c.Listen == "" {
		return
	}
	if why := badListen(c.Listen, "127.0.0.1:4580"); why != "" {
		bad("http.listen", "%s", why)
	} else if !onLoopback(c.Listen) && c.CertFile == "" {
		bad("http.cert_file", "is needed when http.listen (%s) is not on loopback: tokens would cross the network in the clear", c.Listen)
	}
}

func pair(bad complaint, section, cert, key string) {
	if (cert == "") != (key == "") {
		bad(section+".cert_file", "and %s.key_file belong together", section)
	}
}

func oneWord(s ringside.Secret) bool {
	return strings.IndexFunc(s.Reveal(), func(r rune) bool { return r <= ' ' || r >= 0x7f }) < 0
}

// link makes the options of the link that the configuration alone determines.
func (c *CRMConfig) link() (opt crmsync.Options, err error) {
	opt = crmsync.Options{
		Contacts: c.Contacts, Annotations: c.Annotations, CDRs: c.CDRs, Events: c.Events,
		Timeout: c.Timeout.Duration, Wait: c.Wait.Duration, Poll: c.Poll.Duration,
	}
	if c.URL == "" {
		return opt, nil
	}
	if opt.URL, err = url.Parse(c.URL); err != nil {
		return opt, fmt.Errorf("crm.url is no URL")
	}
	signing, err := secretOf("crm.signing_secret_file", c.SigningSecret, c.SigningSecretFile)
	if err != nil {
		return opt, err
	}
	opt.Credentials = crmsync.NewCredentials(c.Token, c.TokenFile, signing)
	opt.Transport, err = crmsync.NewTransport(opt.URL, trust.TLS{
		CAFile: c.CAFile, Pin: c.Pin, CertFile: c.CertFile, KeyFile: c.KeyFile,
	}, prefixes(c.Allow))
	if err != nil {
		return opt, fmt.Errorf("crm.%w", err)
	}
	return opt, nil
}

// secrets are what a request over HTTP must show.
func (c *HTTPConfig) secrets() (token, signing ringside.Secret, err error) {
	if token, err = secretOf("http.token_file", c.Token, c.TokenFile); err != nil {
		return token, signing, err
	}
	signing, err = secretOf("http.signing_secret_file", c.SigningSecret, c.SigningSecretFile)
	return token, signing, err
}

// tls is the certificate that is served; nil serves plain HTTP.
func (c *HTTPConfig) tls() (*tls.Config, error) {
	if c.CertFile == "" {
		return nil, nil //nolint:nilnil // no certificate is no error
	}
	cert, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("http.cert_file, http.key_file: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, nil
}
