package main

import (
	"path/filepath"
	"time"

	"github.com/ringside-pbx/ringside/esl"
)

// DialplanConfig is how FreeSWITCH's dialplan is written, and where to.
type DialplanConfig struct {
	File      string   `yaml:"file"`
	Serve     bool     `yaml:"serve"`
	Allow     []string `yaml:"allow"`
	Context   string   `yaml:"context"`
	Fallback  string   `yaml:"fallback"`
	Extension string   `yaml:"extension"`
	External  string   `yaml:"external"`
	Voicemail string   `yaml:"voicemail"`
	Domain    string   `yaml:"domain"`
	Speech    string   `yaml:"speech"`
}

func defaultDialplan() DialplanConfig {
	return DialplanConfig{
		Context: "ringside", Fallback: "user/100", Extension: "user/${number}", External: "sofia/gateway/trunk/${number}", Voicemail: "default",
	}
}

// dialplan is where the configuration has it, and dialplanSection what that place is called.
func (c *Config) dialplan() *DialplanConfig { return &c.Dialplan }

const dialplanSection = "dialplan"

// defaultESLListen is where FreeSWITCH finds ringside if nothing else is said.
const defaultESLListen = "127.0.0.1:8084"

// eslListen is where ringside listens for FreeSWITCH's application socket.
func (c *Config) eslListen() string { return defaultESLListen }

// freeswitch is how the dialplan is written.
func (c *Config) freeswitch() *esl.Dialplan {
	p := c.dialplan()
	return &esl.Dialplan{
		Context: p.Context, Listen: c.eslListen(), Fallback: p.Fallback, Extension: p.Extension, External: p.External,
		Voicemail: p.Voicemail, Domain: p.Domain, Speech: p.Speech, Now: time.Now(),
	}
}

// problems complains with the section's path before each field.
func (c *DialplanConfig) problems(bad complaint, section string, written *esl.Dialplan, web *HTTPConfig) {
	for _, err := range written.Validate() {
		bad(section, "%s", err)
	}
	if c.Serve && web.Listen == "" {
		bad(section+".serve", "needs http.listen")
	}
	badPrefixes(bad, section+".allow", c.Allow)
	if c.File != "" && filepath.Ext(c.File) != ".xml" {
		bad(section+".file", "%q does not end in .xml: FreeSWITCH includes only those", c.File)
	}
}
