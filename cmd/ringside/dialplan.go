package main

import (
	"fmt"
	"regexp"
	"text/template"

	"github.com/ringside-pbx/ringside/configs"
)

type dialplanCmd struct {
	Asterisk dialplanAsteriskCmd `cmd:"" help:"Print the contexts for extensions.conf."`
}

type dialplanAsteriskCmd struct {
	Fallback string `help:"Whom the dialplan rings when ringside is away." default:"PJSIP/100" placeholder:"DIALSTRING"`
}

var dialstring = regexp.MustCompile(`^[A-Za-z0-9]+/[A-Za-z0-9_.+@&/:-]+$`)

// Run implements the command.
func (c *dialplanAsteriskCmd) Run(p *program) error {
	if !dialstring.MatchString(c.Fallback) {
		return exitError{exitUsage, fmt.Errorf("--fallback %q is no dial string, such as PJSIP/100", c.Fallback)}
	}
	cfg, err := p.config()
	if err != nil {
		return err
	}
	token, err := cfg.token()
	if err != nil {
		return exitError{exitUsage, err}
	}
	query := ""
	if !token.IsZero() {
		query = "token=" + token.Reveal() + "&"
	}
	t, err := template.New("extensions.conf").Parse(configs.Asterisk)
	if err != nil {
		return err
	}
	return t.Execute(p.out, map[string]string{"Listen": cfg.AGI.Listen, "Fallback": c.Fallback, "Token": query})
}

type versionCmd struct{}

// Run implements the command.
func (versionCmd) Run(p *program) error {
	_, err := fmt.Fprintln(p.out, "ringside", version)
	return err
}
