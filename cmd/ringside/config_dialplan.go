package main

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside/esl/plan"
)

// DialplanConfig is how FreeSWITCH's dialplan is written, and where to.
type DialplanConfig struct {
	File     string   `yaml:"file"`
	Serve    bool     `yaml:"serve"`
	Allow    []string `yaml:"allow"`
	Context  string   `yaml:"context"`
	Fallback string   `yaml:"fallback"`
}

func defaultDialplan() DialplanConfig {
	return DialplanConfig{Context: "ringside", Fallback: "user/100"}
}

// dialplan is where the configuration has it, and dialplanSection what that place is called.
func (c *Config) dialplan() *DialplanConfig { return &c.ESL.Dialplan }

const dialplanSection = "esl.dialplan"

// freeswitch is how the dialplan is written. Where nobody listens, the usual address is printed.
func (c *Config) freeswitch() *plan.Dialplan {
	listen := c.ESL.Listen
	if !c.ESL.serves() {
		listen = defaultESL().Listen
	}
	return &plan.Dialplan{
		Context: c.ESL.Dialplan.Context, Listen: listen, Fallback: c.ESL.Dialplan.Fallback,
		Extension: c.ESL.Dial.Extension, External: c.ESL.Dial.External, Voicemail: c.ESL.Dial.Voicemail, Speech: c.ESL.Speech, Now: time.Now(),
	}
}

// problems complains with the section's path before each field.
func (c *DialplanConfig) problems(bad complaint, section string, written *plan.Dialplan, web *HTTPConfig) {
	for _, err := range written.Validate() {
		field, why, _ := strings.Cut(err.Error(), ": ")
		if field == "context" || field == "fallback" { // the others are complained of where they stand
			bad(section+"."+field, "%s", why)
		}
	}
	if c.Serve && web.Listen == "" {
		bad(section+".serve", "needs http.listen")
	}
	badPrefixes(bad, section+".allow", c.Allow)
	if c.File != "" && filepath.Ext(c.File) != ".xml" {
		bad(section+".file", "%q does not end in .xml: FreeSWITCH includes only those", c.File)
	}
}
