package main

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"text/template"

	"github.com/ringside-pbx/ringside/configs"
)

type dialplanCmd struct {
	Asterisk   dialplanAsteriskCmd   `cmd:"" help:"Print the contexts for extensions.conf."`
	Freeswitch dialplanFreeswitchCmd `cmd:"" help:"Print the context for FreeSWITCH's folder dialplan."`
}

type dialplanAsteriskCmd struct {
	Fallback string `help:"Whom the dialplan rings when ringside is away." default:"PJSIP/100" placeholder:"DIALSTRING"`
	ARI      bool   `name:"ari" help:"Let ringside drive calls through ARI (Stasis) in place of FastAGI."`
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
	text, err := renderDialplan(cfg, dialplanFor{listen: cfg.AGI.Listen, fallback: c.Fallback, query: query, ari: c.ARI})
	if err != nil {
		return err
	}
	_, err = io.WriteString(p.out, text)
	return err
}

// dialplanFor says how the dialplan reaches ringside. query is put before that of every request.
type dialplanFor struct {
	listen, fallback, query string
	// ari: calls are driven through ARI, not FastAGI.
	ari bool
}

// renderDialplan writes the contexts for extensions.conf.
func renderDialplan(cfg *Config, f dialplanFor) (string, error) {
	t, err := template.New("extensions.conf").Parse(configs.Asterisk)
	if err != nil {
		return "", err
	}
	values := map[string]any{
		"Listen": f.listen, "Fallback": f.fallback, "Token": f.query, "Control": controlContext(cfg), "App": "", "Speech": "",
	}
	if f.ari {
		values["App"], values["Speech"] = cfg.ARI.App, cfg.Dial.Speech
	}
	var b strings.Builder
	err = t.Execute(&b, values)
	return b.String(), err
}

// dialplanControl is what the printed dialplan needs for calls that ringside places and transfers.
type dialplanControl struct {
	Context, ExtensionPrefix, ExternalPrefix                       string
	DialExtension, DialExternal, ConsultExtension, ConsultExternal string
	Options                                                        string
}

// controlContext prepares the context of ami.context; nil if the site has a context of its own there, whose
// places are no prefix and the number.
func controlContext(cfg *Config) *dialplanControl {
	extension, ok1 := strings.CutSuffix(cfg.AMI.Extension, placeholder)
	external, ok2 := strings.CutSuffix(cfg.AMI.External, placeholder)
	if !ok1 || !ok2 || extension == "" || external == "" || extension == external {
		return nil
	}
	number := func(skip int) string { return fmt.Sprintf("${EXTEN:%d}", skip) }
	return &dialplanControl{
		Context: cfg.AMI.Context, ExtensionPrefix: pattern(extension), ExternalPrefix: pattern(external),
		DialExtension:    strings.Replace(cfg.Dial.Extension, placeholder, number(len(extension)), 1),
		DialExternal:     strings.Replace(cfg.Dial.External, placeholder, number(len(external)), 1),
		ConsultExtension: strings.Replace(cfg.Dial.Extension, placeholder, number(1+len(extension)), 1),
		ConsultExternal:  strings.Replace(cfg.Dial.External, placeholder, number(1+len(external)), 1),
		Options:          cfg.Dial.Options,
	}
}

const placeholder = "${number}"

// pattern writes text so that it stands for itself in a pattern of extensions.conf, where N, X and Z are
// sets of digits.
func pattern(text string) string {
	var b strings.Builder
	for _, c := range text {
		if strings.ContainsRune("nxzNXZ.!-", c) {
			b.WriteString("[" + string(c) + "]")
			continue
		}
		b.WriteRune(c)
	}
	return b.String()
}

type versionCmd struct{}

// Run implements the command.
func (versionCmd) Run(p *program) error {
	_, err := fmt.Fprintln(p.out, "ringside", version)
	return err
}
