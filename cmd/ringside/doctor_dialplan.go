package main

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/ami"
)

// planStep is one priority of the dialplan.
type planStep struct {
	context, exten string
	priority       int
	app, data      string
}

// scripts are the contexts of the printed dialplan that ask ringside, and what they ask it.
var scripts = []struct{ context, script string }{ //nolint:gochecknoglobals // a table
	{"ringside-route", "route"}, {"ringside-decide", "decide"}, {"ringside-answered", "answered"}, {"ringside-hangup", "hangup"},
}

// dialplan examines the contexts that ringside prints.
func (d *doctor) dialplan(ctx context.Context) {
	if _, ok := d.may["ShowDialPlan"]; d.may != nil && !ok {
		d.skip("the dialplan: the user may not write reporting")
		return
	}
	if now, err := d.getvar(ctx, "RINGSIDE_FALLBACK"); err == nil && dialstring.MatchString(now) {
		d.rings = now // what is printed keeps it
	}
	found, asked := map[string][]planStep{}, true
	for _, s := range scripts {
		steps, err := d.steps(ctx, s.context)
		if err != nil {
			d.skip("the context %s: %v", s.context, err)
			asked = false
			continue
		}
		found[s.context] = steps
	}
	d.stasis = slices.ContainsFunc(found["ringside-route"], isStasis) || len(found["ringside-route"]) == 0 && d.cfg.ARI.URL != ""
	if asked {
		d.routeContexts(ctx, found)
	}
	d.controlContext(ctx)
	if asked && len(found["ringside-route"])+len(found["ringside-decide"]) > 0 {
		d.entrances(ctx)
	}
}

// steps asks for a context; one that is not there has none.
func (d *doctor) steps(ctx context.Context, name string) (steps []planStep, err error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	action := ami.NewAction("ShowDialPlan", "Context", name)
	err = d.session.List(ctx, action, func(m ami.Message) {
		if len(steps) < 100_000 && (m.Has("Extension") || m.Has("IncludeContext")) {
			n, _ := strconv.Atoi(m.Get("Priority"))
			s := planStep{m.Get("Context"), m.Get("Extension"), n, m.Get("Application"), m.Get("AppData")}
			if in := m.Get("IncludeContext"); in != "" {
				s.app, s.data = "include", in
			}
			steps = append(steps, s)
		}
	})
	var refused *ami.ActionError
	if errors.As(err, &refused) && !errors.Is(err, ringside.ErrNotPermitted) {
		return nil, nil // "Did not find context …"
	}
	return steps, err
}

// routeContexts examines the contexts in which ringside is asked.
func (d *doctor) routeContexts(ctx context.Context, found map[string][]planStep) {
	if len(found["ringside-route"])+len(found["ringside-decide"]) == 0 {
		d.add(checkProblem, "the dialplan asks ringside nowhere: it has neither ringside-route nor ringside-decide",
			d.printed("globals", "ringside-route", "ringside-answered", "ringside-hangup"))
		return
	}
	fallbacks := false
	for _, s := range scripts {
		steps := found[s.context]
		needed := s.script == "hangup" || s.script == "answered" && len(found["ringside-route"]) > 0 && !d.stasis
		switch {
		case len(steps) > 0:
		case needed:
			d.add(checkProblem, fmt.Sprintf("the context %s is missing: ringside is not told how calls go on", s.context), d.printed(s.context))
			continue
		default:
			d.ok("%s is not used", s.context)
			continue
		}
		if s.script == "route" && d.stasis {
			uses, ok := d.stasisLine(steps)
			fallbacks = fallbacks || uses
			if ok {
				d.ok("%s hands calls to the application %s", s.context, d.cfg.ARI.App)
			}
			continue
		}
		at := slices.IndexFunc(steps, func(p planStep) bool { return asks(p, s.script) })
		if at < 0 {
			d.add(checkProblem, fmt.Sprintf("%s does not ask ringside: it has no AGI line for /%s", s.context, s.script), d.printed(s.context))
			continue
		}
		sound := d.agiLine(ctx, s.context, steps[at].data)
		if s.script == "route" || s.script == "decide" {
			uses, ok := d.fallbackLines(s.context, steps, steps[at])
			fallbacks = fallbacks || uses
			sound = sound && ok
		}
		if sound {
			d.ok("%s asks ringside, on %s", s.context, d.agiAddress())
		}
	}
	if fallbacks {
		d.fallback(ctx)
	}
}

func isStasis(p planStep) bool { return strings.EqualFold(p.app, "Stasis") }

// stasisLine examines the line that hands calls over through ARI, and what is behind it.
func (d *doctor) stasisLine(steps []planStep) (uses, ok bool) {
	at := slices.IndexFunc(steps, isStasis)
	app, _, _ := strings.Cut(steps[at].data, ",")
	sound := true
	switch {
	case d.cfg.ARI.URL == "":
		sound = false
		d.add(checkProblem, "ringside-route hands calls over with Stasis(), and ari.url is not set: every call falls back", d.printed("ringside-route"))
	case app != d.cfg.ARI.App:
		sound = false
		d.add(checkProblem, fmt.Sprintf("ringside-route hands calls to the application %s, and ringside is %s (ari.app)", app, d.cfg.ARI.App), d.printed("ringside-route"))
	case !slices.ContainsFunc(steps, func(p planStep) bool { return strings.Contains(p.data, "RINGSIDE_TASK") }):
		sound = false
		d.add(checkProblem, "ringside-route does not know RINGSIDE_TASK: no voicemail", d.printed("ringside-route"))
	}
	uses, ok = d.fallbackLines("ringside-route", steps, steps[at])
	return uses, ok && sound
}

func asks(p planStep, script string) bool {
	if !strings.EqualFold(p.app, "AGI") {
		return false
	}
	path, _, _ := strings.Cut(p.data, "?")
	path, _, _ = strings.Cut(path, ",")
	return strings.HasSuffix(path, "/"+script)
}

var global = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// expandGlobals puts global variables into text; what is none stays.
func (d *doctor) expandGlobals(ctx context.Context, text string) string {
	return global.ReplaceAllStringFunc(text, func(v string) string {
		value, err := d.getvar(ctx, v[2:len(v)-1])
		if err != nil || value == "" {
			return v
		}
		return value
	})
}

// getvar reads a global variable or a function that needs no channel.
func (d *doctor) getvar(ctx context.Context, name string) (string, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	m, err := d.session.Do(ctx, ami.NewAction("Getvar", "Variable", name))
	return m.Get("Value"), err
}

// agiLine examines where the AGI line leads, and its token, which is never told.
func (d *doctor) agiLine(ctx context.Context, name, data string) bool {
	target, query, _ := strings.Cut(data, "?")
	if _, err := d.getvar(ctx, "RINGSIDE"); err != nil && strings.Contains(data, "${") {
		d.skip("where the AGI line of %s leads: %v", name, err)
		return false
	}
	target, _, _ = strings.Cut(d.expandGlobals(ctx, target), "?") // what follows may be the token
	target, _, _ = strings.Cut(target, ",")
	rest, ok := strings.CutPrefix(target, "agi://")
	host, _, _ := strings.Cut(rest, "/")
	if ok && !strings.Contains(host, ":") {
		host += ":4573" // FastAGI's own
	}
	switch {
	case !ok:
		d.add(checkProblem, fmt.Sprintf("the AGI line of %s leads to %s, which is no FastAGI server: is the global variable RINGSIDE set?", name, target), d.printed("globals"))
		return false
	case !sameAddress(d.agiAddress(), host):
		d.add(checkProblem, fmt.Sprintf("the AGI line of %s leads to %s, ringside listens on %s", name, host, d.agiAddress()), d.printed("globals"))
		return false
	}
	shown := ""
	for part := range strings.SplitSeq(query, "&") {
		if key, value, _ := strings.Cut(part, "="); key == "token" {
			shown = d.expandGlobals(ctx, value)
			if plain, err := url.QueryUnescape(shown); err == nil {
				shown = plain
			}
		}
	}
	switch {
	case d.token.IsZero() && shown == "", subtle.ConstantTimeCompare([]byte(shown), []byte(d.token.Reveal())) == 1:
		return true
	case d.token.IsZero():
		d.ok("%s shows a token, and agi.token is not set: it is not looked at", name)
		return true
	case shown == "":
		d.add(checkProblem, fmt.Sprintf("%s shows no token: ringside refuses it, and calls fall back", name), d.printed(name))
	default:
		d.add(checkProblem, fmt.Sprintf("the token in %s is not the one of the configuration: ringside refuses it, and calls fall back", name), d.printed(name))
	}
	return false
}

// fallbackLines makes sure that a caller is served behind the AGI line, if ringside is away. uses reports
// whether RINGSIDE_FALLBACK is dialled.
func (d *doctor) fallbackLines(name string, steps []planStep, agi planStep) (uses, ok bool) {
	tested, served := false, ""
	for _, p := range steps {
		if p.exten != agi.exten || p.priority <= agi.priority {
			continue
		}
		if strings.Contains(p.data, "RINGSIDE_RESULT") {
			tested = true
		}
		switch strings.ToLower(p.app) {
		case "dial", "queue", "goto", "gosub", "macro", "voicemail", "followme":
			if !strings.Contains(p.data, "RINGSIDE_DIAL") && served == "" {
				served = p.app + "(" + p.data + ")"
				uses = strings.Contains(p.data, "${RINGSIDE_FALLBACK}")
			}
		}
	}
	switch {
	case served == "":
		d.add(checkProblem, fmt.Sprintf("%s has no line for callers whom ringside does not serve: when it is away they are hung up on", name), d.printed(name))
	case !tested:
		d.add(checkProblem, fmt.Sprintf("%s does not test RINGSIDE_RESULT, the only proof that ringside served a call (AGISTATUS proves nothing)", name), d.printed(name))
	case !uses:
		d.ok("%s has a fallback of its own: %s", name, served)
	}
	return uses, served != "" && tested
}

// fallback looks at whom RINGSIDE_FALLBACK rings.
func (d *doctor) fallback(ctx context.Context) {
	text, err := d.getvar(ctx, "RINGSIDE_FALLBACK")
	set := d.to("extensions.conf", "globals", "RINGSIDE_FALLBACK = PJSIP/100  ; a phone that always rings")
	switch {
	case err != nil:
		d.skip("RINGSIDE_FALLBACK: %v", err)
		return
	case text == "":
		d.add(checkProblem, "RINGSIDE_FALLBACK is not set: callers are hung up on when ringside is away", set)
		return
	case !dialstring.MatchString(text):
		d.skip("whom RINGSIDE_FALLBACK (%s) rings", text)
		return
	}
	reached, unknown := 0, 0
	var bad []string
	for target := range strings.SplitSeq(text, "&") {
		device := target
		if technology, resource, _ := strings.Cut(target, "/"); strings.Contains(resource, "@") {
			device = technology + "/" + resource[strings.LastIndex(resource, "@")+1:]
		}
		state, err := d.getvar(ctx, "DEVICE_STATE("+device+")")
		trunk := device != target
		switch {
		case err != nil || state == "" || state == "UNKNOWN" || strings.HasPrefix(device, "Local/"):
			unknown++
		case state == "INVALID":
			bad = append(bad, device+" does not exist")
		case state == "UNAVAILABLE" && !trunk: // a trunk without contact that is watched is unavailable when idle
			bad = append(bad, device+" can't be reached")
		default:
			reached++
		}
	}
	switch {
	case reached == 0 && len(bad) > 0:
		d.add(checkProblem, fmt.Sprintf("RINGSIDE_FALLBACK rings nobody: %s", strings.Join(bad, ", ")), set)
	case len(bad) > 0:
		d.add(checkAdvice, fmt.Sprintf("RINGSIDE_FALLBACK (%s): %s", text, strings.Join(bad, ", ")), set)
	case reached == 0:
		d.skip("whether RINGSIDE_FALLBACK (%s) can be reached: Asterisk does not know (func_devstate)", text)
	default:
		d.ok("RINGSIDE_FALLBACK rings %s, which can be reached", text)
	}
}

// controlContext examines the context that ringside sends calls to.
func (d *doctor) controlContext(ctx context.Context) {
	name := d.cfg.AMI.Context
	steps, err := d.steps(ctx, name)
	if err != nil {
		d.skip("the context %s: %v", name, err)
		return
	}
	control := controlContext(d.cfg)
	if len(steps) == 0 {
		text := fmt.Sprintf("the context %s is missing: no click to call, no transfers", name)
		if control == nil {
			d.add(checkAdvice, text+" (ami.extension and ami.external are the site's own: so is the context)")
			return
		}
		d.add(checkAdvice, text, d.printed(name))
		return
	}
	if control == nil {
		d.ok("%s is there, with places of the site's own", name)
		return
	}
	var missing []string
	for _, exten := range []string{"_" + control.ExtensionPrefix + ".", "_" + control.ExternalPrefix + ".", "_c" + control.ExtensionPrefix + ".", "_c" + control.ExternalPrefix + ".", "join", "hold", "h"} {
		if !slices.ContainsFunc(steps, func(p planStep) bool { return p.exten == exten }) {
			missing = append(missing, exten)
		}
	}
	if len(missing) > 0 {
		d.add(checkAdvice, fmt.Sprintf("%s lacks %s: some transfers hang up", name, strings.Join(missing, " ")), d.printed(name))
		return
	}
	d.ok("%s has all that calls are sent to", name)
}

// entrances looks for a context that hands calls to ringside.
func (d *doctor) entrances(ctx context.Context) {
	all, err := d.steps(ctx, "")
	if err != nil || len(all) == 0 {
		d.skip("who hands calls to ringside: the dialplan can't be read as a whole")
		return
	}
	var from []string
	for _, p := range all {
		if strings.HasPrefix(p.context, "ringside-") || p.context == d.cfg.AMI.Context || slices.Contains(from, p.context) {
			continue
		}
		if strings.Contains(p.data, "ringside-route") || strings.Contains(p.data, "ringside-decide") || strings.EqualFold(p.app, "AGI") && strings.Contains(p.data, "${RINGSIDE}") {
			from = append(from, p.context)
		}
	}
	if len(from) > 0 {
		d.ok("calls come from %s", strings.Join(from[:min(len(from), 10)], ", "))
		return
	}
	d.add(checkAdvice, "no context hands calls to ringside", d.to("extensions.conf", "THE CONTEXT OF YOUR TRUNK", "exten => _X.,1,Goto(ringside-route,${FILTER(0-9+*#,${EXTEN})},1)"))
}

// printed are contexts as 'ringside dialplan asterisk' prints them, but for the token, which is not told.
func (d *doctor) printed(names ...string) change {
	c := d.to("extensions.conf", "")
	query := ""
	if !d.token.IsZero() {
		query = "token=TOKEN&"
		c.Lines = append(c.Lines, "; TOKEN is agi.token: 'ringside dialplan asterisk' prints these lines with it")
	}
	text, err := renderDialplan(d.cfg, dialplanFor{listen: d.agiAddress(), fallback: cmp.Or(d.rings, "PJSIP/100"), query: query, ari: d.stasis && d.cfg.ARI.URL != ""})
	if err != nil {
		return c
	}
	sections := contextsOf(text)
	for _, name := range names {
		c.Lines = append(c.Lines, sections[name]...)
	}
	return c
}

// contextsOf cuts a dialplan into its sections, without the comments between them.
func contextsOf(text string) map[string][]string {
	sections, in := map[string][]string{}, ""
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, "[") {
			in, _, _ = strings.Cut(line[1:], "]")
		}
		if in != "" && line != "" && !strings.HasPrefix(line, ";") {
			sections[in] = append(sections[in], line)
		}
	}
	return sections
}
