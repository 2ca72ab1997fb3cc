package main

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/ari"
	"github.com/ringside-pbx/ringside/internal/trust"
)

// ARIConfig is the connection with Asterisk's REST interface.
type ARIConfig struct {
	URL          string          `yaml:"url"`
	Username     string          `yaml:"username"`
	Password     ringside.Secret `yaml:"password"`
	PasswordFile string          `yaml:"password_file"`
	App          string          `yaml:"app"`
	CAFile       string          `yaml:"ca_file"`
	Pin          string          `yaml:"pin"`
	Insecure     bool            `yaml:"insecure"`
	Timeout      Duration        `yaml:"timeout"`
	Keepalive    Duration        `yaml:"keepalive"`
	Grace        Duration        `yaml:"grace"`
	Lease        Duration        `yaml:"lease"`
	MaxCalls     int             `yaml:"max_calls"`
	Record       bool            `yaml:"record"`
}

func defaultARI() ARIConfig {
	return ARIConfig{
		Username: "ringside", App: "ringside", Timeout: Duration{5 * time.Second}, Keepalive: Duration{15 * time.Second},
		Grace: Duration{30 * time.Second}, Lease: Duration{time.Minute}, MaxCalls: 2000, Record: true,
	}
}

func (c *ARIConfig) problems(bad complaint) {
	exclusive(bad, "ari.password", c.Password, c.PasswordFile)
	inBounds(bad, []bounds{
		{"ari.timeout", c.Timeout, 100 * time.Millisecond, time.Minute},
		{"ari.keepalive", c.Keepalive, time.Second, 10 * time.Minute},
		{"ari.grace", c.Grace, 0, time.Hour},
		{"ari.lease", c.Lease, 3 * time.Second, time.Hour},
	})
	if c.MaxCalls < 1 || c.MaxCalls > 100_000 {
		bad("ari.max_calls", "%d is not between 1 and 100000", c.MaxCalls)
	}
	if c.CAFile != "" && c.Pin != "" {
		bad("ari.pin", "and ari.ca_file exclude each other: a pinned certificate needs no authority")
	}
	if c.URL == "" {
		if err := ari.CheckName(c.App); err != nil {
			bad("ari.app", "%s", err)
		}
		return
	}
	for _, err := range (ari.Options{URL: c.URL, Username: c.Username, Name: c.App}).Validate() {
		field, why, _ := strings.Cut(err.Error(), ": ")
		bad("ari."+field, "%s", why)
	}
	if c.Password.IsZero() && c.PasswordFile == "" {
		bad("ari.password", "is missing: it is the one of the user [%s] in ari.conf", c.Username)
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" {
		return
	}
	if u.Scheme != "https" && !c.Insecure && !onLoopback(net.JoinHostPort(u.Hostname(), "0")) {
		bad("ari.url", "must be https: %s is not this machine, and who listens on the way could do everything (ari.insecure takes that risk)", u.Hostname())
	}
	if u.Scheme != "https" && (c.CAFile != "" || c.Pin != "") {
		bad("ari.url", "must be https for ari.ca_file and ari.pin")
	}
}

// options are those of the application, without what the daemon adds.
func (c *ARIConfig) options() (ari.Options, error) {
	opt := ari.Options{
		URL: c.URL, Username: c.Username, Name: c.App, Timeout: c.Timeout.Duration, Keepalive: c.Keepalive.Duration,
		Grace: c.Grace.Duration, Lease: c.Lease.Duration, MaxCalls: c.MaxCalls, Record: c.Record,
	}
	var err error
	if opt.Password, err = secretOf("ari.password_file", c.Password, c.PasswordFile); err != nil {
		return opt, err
	}
	if c.CAFile != "" || c.Pin != "" {
		if opt.TLS, err = (trust.TLS{CAFile: c.CAFile, Pin: c.Pin}).Config(); err != nil {
			return opt, fmt.Errorf("ari.%w", err)
		}
	}
	return opt, nil
}
