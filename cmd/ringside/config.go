package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// defaultConfigFile is read when the command line names none, if it exists.
const defaultConfigFile = "/etc/ringside/ringside.yaml"

// Config is the daemon's configuration; configs/ringside.yaml explains every key.
type Config struct {
	Node      string          `yaml:"node"`
	Store     StoreConfig     `yaml:"store"`
	Directory DirectoryConfig `yaml:"directory"`
	AGI       AGIConfig       `yaml:"agi"`
	CRM       CRMConfig       `yaml:"crm"`
	HTTP      HTTPConfig      `yaml:"http"`
	Dial      DialConfig      `yaml:"dial"`
	AMI       AMIConfig       `yaml:"ami"`
	ARI       ARIConfig       `yaml:"ari"`
	ESL       ESLConfig       `yaml:"esl"`
	Outbound  OutboundConfig  `yaml:"outbound"`
	Control   ControlConfig   `yaml:"control"`
	Log       LogConfig       `yaml:"log"`
	Shutdown  ShutdownConfig  `yaml:"shutdown"`
}

// StoreConfig says where records are kept, and for how long.
type StoreConfig struct {
	Path      string   `yaml:"path"`
	Retention Duration `yaml:"retention"`
	MaxCalls  int      `yaml:"max_calls"`
}

// DirectoryConfig says where the directory comes from.
type DirectoryConfig struct {
	File string `yaml:"file"`
}

// AGIConfig is the FastAGI server's.
type AGIConfig struct {
	Listen         string          `yaml:"listen"`
	Allow          []string        `yaml:"allow"`
	Deadline       Duration        `yaml:"deadline"`
	Default        string          `yaml:"default"`
	MaxConnections int             `yaml:"max_connections"`
	Token          ringside.Secret `yaml:"token"`
	TokenFile      string          `yaml:"token_file"`
}

// DialConfig says how targets are dialled.
type DialConfig struct {
	Extension string `yaml:"extension"`
	External  string `yaml:"external"`
	Voicemail string `yaml:"voicemail"`
	Options   string `yaml:"options"`
	Speech    string `yaml:"speech"`
}

// ControlConfig is the control socket's.
type ControlConfig struct {
	Socket string `yaml:"socket"`
}

// LogConfig says what is logged, and how.
type LogConfig struct {
	Level  string `yaml:"level"`
	Format string `yaml:"format"`
}

// ShutdownConfig says how the daemon ends.
type ShutdownConfig struct {
	Grace Duration `yaml:"grace"`
}

// Duration is a time span, written as 50ms, 10s or 2h; days as 30d.
type Duration struct{ time.Duration }

// DefaultConfig is the configuration that every key left out has: everything on 127.0.0.1, one file.
func DefaultConfig() *Config {
	node, err := os.Hostname()
	if err != nil || node == "" {
		node = "ringside"
	}
	node, _, _ = strings.Cut(node, ".")
	return &Config{
		Node:  node,
		Store: StoreConfig{Path: filepath.Join(stateFolder(), "ringside.db"), Retention: Duration{400 * 24 * time.Hour}},
		AGI:   AGIConfig{Listen: "127.0.0.1:4573", Deadline: Duration{50 * time.Millisecond}, MaxConnections: 2000},
		Dial: DialConfig{
			Extension: "PJSIP/${number}", External: "PJSIP/${number}@trunk", Voicemail: "${number}@default",
		},
		AMI: defaultAMI(),
		ARI: defaultARI(),
		ESL: defaultESL(),
		CRM: CRMConfig{
			Timeout: Duration{15 * time.Second}, Wait: Duration{30 * time.Second}, Poll: Duration{time.Minute},
			Contacts: true, Annotations: true, CDRs: true, Events: true,
		},
		HTTP:     HTTPConfig{Listen: "127.0.0.1:4580"},
		Outbound: defaultOutbound(),
		Log:      LogConfig{Level: "info", Format: "text"},
		Shutdown: ShutdownConfig{Grace: Duration{30 * time.Second}},
	}
}

// stateFolder is where the daemon keeps its files: /var/lib/ringside for root and for a service
// manager's unit, else the user's own state folder.
func stateFolder() string {
	if dir := os.Getenv("STATE_DIRECTORY"); dir != "" {
		return dir
	}
	if os.Getuid() == 0 {
		return "/var/lib/ringside"
	}
	if dir := os.Getenv("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "ringside")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "ringside-state"
	}
	return filepath.Join(home, ".local", "state", "ringside")
}

// maxSocketPath is what a unix socket's address has room for.
const maxSocketPath = 100

// Validate completes derived settings and returns every problem at once, each with its path.
func (c *Config) Validate() error { return errors.Join(c.problems()...) }

func (c *Config) problems() (errs []error) {
	bad := func(path, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...)))
	}
	if !ringside.Dialable(c.Node) || len(c.Node) > 40 {
		bad("node", "%q is no name: use up to 40 letters, digits and . _ -", c.Node)
	}
	if c.Store.Path == "" {
		bad("store.path", "is missing")
	}
	if c.Control.Socket == "" {
		c.Control.Socket = filepath.Join(filepath.Dir(c.Store.Path), "ringside.sock")
	}
	if len(c.Control.Socket) > maxSocketPath {
		bad("control.socket", "%s is longer than %d bytes", c.Control.Socket, maxSocketPath)
	}
	if why := badListen(c.AGI.Listen, "127.0.0.1:4573"); why != "" {
		bad("agi.listen", "%s", why)
	} else if !onLoopback(c.AGI.Listen) && len(c.AGI.Allow) == 0 {
		bad("agi.allow", "is needed when agi.listen (%s) is not on loopback: FastAGI has no login", c.AGI.Listen)
	}
	badPrefixes(bad, "agi.allow", c.AGI.Allow)
	if d := c.AGI.Deadline.Duration; d < time.Millisecond || d > 10*time.Second {
		bad("agi.deadline", "%s is not between 1ms and 10s", d)
	}
	if c.AGI.Default != "" && !ringside.Dialable(c.AGI.Default) {
		bad("agi.default", "%q is no extension", c.AGI.Default)
	}
	if c.AGI.MaxConnections < 1 {
		bad("agi.max_connections", "must be at least 1")
	}
	exclusive(bad, "agi.token", c.AGI.Token, c.AGI.TokenFile)
	c.CRM.problems(bad)
	c.HTTP.problems(bad)
	c.AMI.problems(bad)
	c.ARI.problems(bad)
	c.ESL.problems(bad)
	c.dialplan().problems(bad, dialplanSection, c.freeswitch(), &c.HTTP)
	c.Outbound.problems(bad)
	for _, err := range c.dial().Validate() {
		errs = append(errs, fmt.Errorf("dial.%w", err))
	}
	if _, err := c.Log.level(); err != nil {
		bad("log.level", "%q is none of debug, info, warn, error", c.Log.Level)
	}
	if c.Log.Format != "text" && c.Log.Format != "json" {
		bad("log.format", "%q is neither text nor json", c.Log.Format)
	}
	if c.Store.Retention.Duration < 0 {
		bad("store.retention", "is negative")
	}
	if c.Store.MaxCalls < 0 {
		bad("store.max_calls", "is negative")
	}
	if c.Shutdown.Grace.Duration < 0 {
		bad("shutdown.grace", "is negative")
	}
	return errs
}

// complaint records a problem at a path of the configuration.
type complaint func(path, format string, args ...any)

// bounds are those of a duration at a path of the configuration.
type bounds struct {
	path        string
	d           Duration
	least, most time.Duration
}

// inBounds complains of each duration that is out of its bounds.
func inBounds(bad complaint, all []bounds) {
	for _, b := range all {
		if b.d.Duration < b.least || b.d.Duration > b.most {
			bad(b.path, "%s is not between %s and %s", b.d, b.least, b.most)
		}
	}
}

// badListen says what is wrong with an address to listen on; empty if nothing is.
func badListen(listen, example string) string {
	_, port, err := net.SplitHostPort(listen)
	switch {
	case err != nil:
		return fmt.Sprintf("%q is no address: write it as %s", listen, example)
	case port == "":
		return fmt.Sprintf("%q has no port", listen)
	}
	if _, err := net.DefaultResolver.LookupPort(context.Background(), "tcp", port); err != nil {
		return fmt.Sprintf("%q has no valid port: use 1 to 65535", listen)
	}
	return ""
}

// onLoopback reports whether an address to listen on can be reached from this machine only.
func onLoopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || host == "localhost"
}

func badPrefixes(bad complaint, path string, texts []string) {
	for i, text := range texts {
		if _, err := parsePrefix(text); err != nil {
			bad(fmt.Sprintf("%s[%d]", path, i), "%q is no address or network, such as 10.0.0.0/8", text)
		}
	}
}

// exclusive complains when a secret stands in the configuration and in a file.
func exclusive(bad complaint, path string, secret ringside.Secret, file string) {
	if !secret.IsZero() && file != "" {
		bad(path, "and %s_file exclude each other", path)
	}
}

func parsePrefix(text string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked(), nil
	}
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	return netip.PrefixFrom(ip, ip.BitLen()), nil
}

func (c *Config) dial() dialplan.Dial {
	return dialplan.Dial{
		Extension: c.Dial.Extension, External: c.Dial.External, Voicemail: c.Dial.Voicemail,
		Options: c.Dial.Options, Speech: c.Dial.Speech,
	}
}

func prefixes(texts []string) (list []netip.Prefix) {
	for _, text := range texts {
		if p, err := parsePrefix(text); err == nil {
			list = append(list, p)
		}
	}
	return list
}

// token is the FastAGI token.
func (c *Config) token() (ringside.Secret, error) {
	return secretOf("agi.token_file", c.AGI.Token, c.AGI.TokenFile)
}

// secretOf gives a secret, which stands in the configuration or in a file of its own.
func secretOf(path string, secret ringside.Secret, file string) (ringside.Secret, error) {
	if file == "" {
		return secret, nil
	}
	text, err := readFile(file, maxConfigFile)
	if err != nil {
		return ringside.Secret{}, fmt.Errorf("%s: %w", path, err)
	}
	line := strings.TrimSpace(string(text))
	switch {
	case line == "":
		return ringside.Secret{}, fmt.Errorf("%s: %s is empty", path, file)
	case strings.ContainsAny(line, "\r\n"):
		return ringside.Secret{}, fmt.Errorf("%s: %s holds more than one line", path, file)
	}
	return ringside.NewSecret(line), nil
}

func (c LogConfig) level() (level slog.Level, err error) {
	err = level.UnmarshalText([]byte(c.Level))
	return level, err
}
