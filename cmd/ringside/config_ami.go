package main

import (
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/ami"
	"github.com/ringside-pbx/ringside/internal/trust"
)

// AMIConfig is the connection with Asterisk's manager interface.
type AMIConfig struct {
	Address    string          `yaml:"address"`
	Username   string          `yaml:"username"`
	Secret     ringside.Secret `yaml:"secret"`
	SecretFile string          `yaml:"secret_file"`
	Plain      bool            `yaml:"plain"`
	TLS        bool            `yaml:"tls"`
	CAFile     string          `yaml:"ca_file"`
	Pin        string          `yaml:"pin"`
	Insecure   bool            `yaml:"insecure"`
	Events     string          `yaml:"events"`
	Timeout    Duration        `yaml:"timeout"`
	Keepalive  Duration        `yaml:"keepalive"`
	Reconcile  Duration        `yaml:"reconcile"`
	Records    bool            `yaml:"records"`
	Context    string          `yaml:"context"`
	Extension  string          `yaml:"extension"`
	External   string          `yaml:"external"`
	Limits     AMILimits       `yaml:"limits"`
}

// AMILimits are the thresholds of the health report.
type AMILimits struct {
	LongWait Duration `yaml:"long_wait"`
	Online   int      `yaml:"online"`
	Degraded int      `yaml:"degraded"`
	Window   Duration `yaml:"window"`
	Short    Duration `yaml:"short"`
	Ping     Duration `yaml:"ping"`
	Clock    Duration `yaml:"clock"`
}

func defaultAMI() AMIConfig {
	return AMIConfig{
		Username: "ringside", Events: "system,call,agent,cdr,user",
		Timeout: Duration{10 * time.Second}, Keepalive: Duration{15 * time.Second}, Reconcile: Duration{10 * time.Minute},
		Records: true, Context: "ringside-control", Extension: "e" + placeholder, External: "o" + placeholder,
		Limits: AMILimits{
			LongWait: Duration{2 * time.Minute}, Online: 90, Degraded: 50, Window: Duration{time.Hour},
			Short: Duration{10 * time.Second}, Ping: Duration{time.Second}, Clock: Duration{5 * time.Second},
		},
	}
}

func (c *AMIConfig) problems(bad complaint) {
	exclusive(bad, "ami.secret", c.Secret, c.SecretFile)
	inBounds(bad, []bounds{
		{"ami.timeout", c.Timeout, time.Second, 5 * time.Minute},
		{"ami.keepalive", c.Keepalive, time.Second, 10 * time.Minute},
		{"ami.reconcile", c.Reconcile, 10 * time.Second, 24 * time.Hour},
		{"ami.limits.long_wait", c.Limits.LongWait, time.Second, 24 * time.Hour},
		{"ami.limits.window", c.Limits.Window, time.Minute, 24 * time.Hour},
		{"ami.limits.short", c.Limits.Short, 0, time.Hour},
		{"ami.limits.ping", c.Limits.Ping, time.Millisecond, time.Minute},
		{"ami.limits.clock", c.Limits.Clock, 100 * time.Millisecond, time.Hour},
	})
	for path, percent := range map[string]int{"ami.limits.online": c.Limits.Online, "ami.limits.degraded": c.Limits.Degraded} {
		if percent < 1 || percent > 100 {
			bad(path, "%d is no share from 1 to 100 percent", percent)
		}
	}
	if !ringside.Dialable(c.Context) {
		bad("ami.context", "%q is no context's name", c.Context)
	}
	for path, template := range map[string]string{"ami.extension": c.Extension, "ami.external": c.External} {
		rest := strings.Replace(template, placeholder, "", 1)
		if strings.Count(template, placeholder) != 1 || rest != "" && !ringside.Dialable(rest) {
			bad(path, "%q must hold ${number} once, and letters, digits and _ . + - around it", template)
		}
	}
	for _, class := range strings.Split(c.Events, ",") {
		switch class {
		case "system", "call", "agent", "cdr", "user", "dialplan", "dtmf", "log", "verbose", "command", "reporting", "security", "aoc", "test", "all":
		default:
			bad("ami.events", "%q is no class of events, such as call or agent", class)
		}
	}
	if c.Address == "" {
		return
	}
	host, _, err := net.SplitHostPort(c.Address)
	switch {
	case err != nil:
		bad("ami.address", "%q is no address: write it as 127.0.0.1:5038", c.Address)
	case host == "":
		bad("ami.address", "%q names no host", c.Address)
	case !c.TLS && !c.Insecure && !onLoopback(c.Address):
		bad("ami.tls", "is needed: %s is not this machine, and who listens on the way could learn and do everything (ami.insecure takes that risk)", host)
	}
	if c.Username == "" || strings.ContainsAny(c.Username, "\r\n\x00") {
		bad("ami.username", "is missing")
	}
	if c.Secret.IsZero() && c.SecretFile == "" {
		bad("ami.secret", "is missing: it is the one of the user [%s] in manager.conf", c.Username)
	}
	if !c.TLS && (c.CAFile != "" || c.Pin != "") {
		bad("ami.tls", "must be on for ami.ca_file and ami.pin")
	}
	if c.CAFile != "" && c.Pin != "" {
		bad("ami.pin", "and ami.ca_file exclude each other: a pinned certificate needs no authority")
	}
}

// login says where and as whom to log in.
func (c *AMIConfig) login() (ami.Login, error) {
	l := ami.Login{
		Address: c.Address, Username: c.Username, Plain: c.Plain, Events: c.Events, Timeout: c.Timeout.Duration,
	}
	var err error
	if l.Secret, err = secretOf("ami.secret_file", c.Secret, c.SecretFile); err != nil {
		return l, err
	}
	if c.TLS {
		if l.TLS, err = (trust.TLS{CAFile: c.CAFile, Pin: c.Pin}).Config(); err != nil {
			return l, fmt.Errorf("ami.%w", err)
		}
	}
	return l, nil
}

// places say where calls go that ringside places and transfers.
func (c *Config) places() ami.Places {
	return ami.Places{
		Extension: c.Dial.Extension, External: c.Dial.External,
		Context: c.AMI.Context, ExtensionAt: c.AMI.Extension, ExternalAt: c.AMI.External,
	}
}

func (l AMILimits) limits() ami.Limits {
	return ami.Limits{
		LongWait: l.LongWait.Duration, Online: l.Online, Degraded: l.Degraded, Window: l.Window.Duration,
		Short: l.Short.Duration, Ping: l.Ping.Duration, Clock: l.Clock.Duration,
	}
}
