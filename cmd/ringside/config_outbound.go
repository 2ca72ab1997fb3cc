package main

import (
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/guard"
	"github.com/ringside-pbx/ringside/routing"
)

// OutboundConfig says what may be dialled on somebody's behalf.
type OutboundConfig struct {
	Allow              []string     `yaml:"allow"`
	Deny               []string     `yaml:"deny"`
	ExternalToExternal bool         `yaml:"external_to_external"`
	Variables          []string     `yaml:"variables"`
	Person             LimitsConfig `yaml:"person"`
	Total              LimitsConfig `yaml:"total"`
}

// LimitsConfig is how much may be dialled out.
type LimitsConfig struct {
	PerMinute  int `yaml:"per_minute"`
	PerHour    int `yaml:"per_hour"`
	Concurrent int `yaml:"concurrent"`
}

// mostOutbound bounds limits: there is no "unlimited", for that is what fraud lives on.
const mostOutbound = 10000

func defaultOutbound() OutboundConfig {
	return OutboundConfig{
		Variables: []string{"CRM_*"},
		Person:    LimitsConfig{PerMinute: 10, PerHour: 60, Concurrent: 2},
		Total:     LimitsConfig{PerMinute: 30, PerHour: 300, Concurrent: 10},
	}
}

func (c *OutboundConfig) problems(bad complaint) {
	for _, list := range []struct {
		path  string
		texts []string
	}{{"outbound.allow", c.Allow}, {"outbound.deny", c.Deny}} {
		for i, text := range list.texts {
			if !guard.Prefix(text) {
				bad(fmt.Sprintf("%s[%d]", list.path, i), "%q is no beginning of a telephone number, such as '+7'", text)
			}
		}
	}
	for i, text := range c.Deny {
		if slices.Contains(c.Allow, text) {
			bad(fmt.Sprintf("outbound.deny[%d]", i), "%s is in outbound.allow too", text)
		}
	}
	for i, text := range c.Variables {
		if !guard.VariablePattern(text) {
			bad(fmt.Sprintf("outbound.variables[%d]", i), "%q is no name of variables, such as CRM_*", text)
		}
	}
	c.Person.problems(bad, "outbound.person")
	c.Total.problems(bad, "outbound.total")
}

func (c LimitsConfig) problems(bad complaint, path string) {
	for _, limit := range []struct {
		key string
		n   int
	}{{"per_minute", c.PerMinute}, {"per_hour", c.PerHour}, {"concurrent", c.Concurrent}} {
		if limit.n < 1 || limit.n > mostOutbound {
			bad(path+"."+limit.key, "%d is not between 1 and %d", limit.n, mostOutbound)
		}
	}
}

func (c LimitsConfig) limits() guard.Limits {
	return guard.Limits{PerMinute: c.PerMinute, PerHour: c.PerHour, Concurrent: c.Concurrent}
}

// guard makes the options of the guard before a PBX. The directory is the one in effect, nil while there is none.
func (c *OutboundConfig) guard(
	pbx ringside.CallControl, live func(id string) bool, directory func() *routing.Compiled, log *slog.Logger,
) guard.Options {
	return guard.Options{
		Control: pbx, Live: live, Log: log, Now: time.Now,
		Directory: func() guard.Directory {
			if dir := directory(); dir != nil {
				return allowedBy{dir}
			}
			return nil
		},
		Allow: c.Allow, Deny: c.Deny, ExternalToExternal: c.ExternalToExternal, Variables: c.Variables,
		Person: c.Person.limits(), Total: c.Total.limits(),
	}
}

// allowedBy asks a directory on behalf of a guard.
type allowedBy struct{ *routing.Compiled }

// Extension implements guard.Directory.
func (d allowedBy) Extension(number string) (guard.Extension, bool) {
	src, active := d.Compiled.Extension(number)
	if src == nil {
		return guard.Extension{}, false
	}
	e := guard.Extension{Active: active}
	if src.Account != nil {
		e.MayCallOut, e.CallerID = src.Account.CanMakeExternalCalls, src.Account.ExternalCallerID
	}
	return e, true
}
