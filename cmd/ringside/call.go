package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

type callCmd struct {
	From     string   `help:"The caller's number; empty is a withheld one." placeholder:"NUMBER"`
	To       string   `help:"The called number." required:"" placeholder:"NUMBER"`
	Name     string   `help:"The caller's own name."`
	Script   string   `help:"The script to ask for: route or decide." enum:"route,decide" default:"route"`
	Dial     []string `help:"How each dialling ends, in turn: answer, busy, noanswer, unavailable, cancel. The last one repeats." default:"answer" placeholder:"OUTCOME"`
	Talk     Duration `help:"How long they talk." default:"2s"`
	Patience Duration `help:"How long the caller waits in a queue before hanging up." default:"10s"`
	Quiet    bool     `help:"Print only the outcome."`
}

// Run implements the command.
func (c *callCmd) Run(p *program) error {
	for _, outcome := range c.Dial {
		switch outcome {
		case "answer", "busy", "noanswer", "unavailable", "cancel":
		default:
			return exitError{exitUsage, fmt.Errorf("--dial %q is none of answer, busy, noanswer, unavailable, cancel", outcome)}
		}
	}
	cfg, err := p.config()
	if err != nil {
		return err
	}
	address := cfg.AGI.Listen
	if client, err := p.daemon(); err == nil {
		// The running daemon knows best where it listens.
		if s, err := client.Status(p.ctx); err == nil {
			address = s.AGI
		}
	}
	var d net.Dialer
	conn, err := d.DialContext(p.ctx, "tcp", address)
	if err != nil {
		return exitError{exitNoDaemon, fmt.Errorf("no FastAGI server: %w", err)}
	}
	defer func() { _ = conn.Close() }()
	token, err := cfg.token()
	if err != nil {
		return exitError{exitUsage, err}
	}
	a := &asterisk{cmd: c, p: p, conn: conn, r: bufio.NewReader(conn), vars: map[string]string{}}
	if err := a.begin(token.Reveal()); err != nil {
		return err
	}
	return a.serve()
}

// asterisk plays Asterisk's part of one FastAGI call: it carries out commands as a channel with a
// patient caller would, in real time, and prints the conversation.
type asterisk struct {
	cmd  *callCmd
	p    *program
	conn net.Conn
	r    *bufio.Reader
	vars map[string]string
	// dials counts the attempts, gone says that the channel has ended.
	dials int
	gone  bool
}

// begin sends the environment, in the order in which Asterisk sends it.
func (a *asterisk) begin(token string) error {
	for _, s := range []string{a.cmd.From, a.cmd.To, a.cmd.Name} {
		if strings.ContainsAny(s, "\r\n\x00") {
			return exitError{exitUsage, errors.New("a number or name may not hold a line break")}
		}
	}
	id := fmt.Sprintf("try-%d.%d", time.Now().Unix(), rand.IntN(1_000_000))
	query := url.Values{"id": {id}, "answered": {"ringside-answered"}}
	if a.cmd.Script == "decide" {
		query = url.Values{"id": {id}, "hold": {"0"}}
	}
	if token != "" {
		query.Set("token", token)
	}
	from := a.cmd.From
	if from == "" {
		from = "unknown"
	}
	name := a.cmd.Name
	if name == "" {
		name = "unknown"
	}
	var b strings.Builder
	for _, line := range [][2]string{
		{"network", "yes"},
		{"network_script", a.cmd.Script + "?" + query.Encode()},
		{"request", "agi://" + a.conn.RemoteAddr().String() + "/" + a.cmd.Script},
		{"channel", "PJSIP/try-00000001"},
		{"language", "en"},
		{"type", "PJSIP"},
		{"uniqueid", id},
		{"version", "ringside call"},
		{"callerid", from},
		{"calleridname", name},
		{"callingpres", "0"},
		{"callingani2", "0"},
		{"callington", "0"},
		{"callingtns", "0"},
		{"dnid", a.cmd.To},
		{"rdnis", "unknown"},
		{"context", "from-trunk"},
		{"extension", a.cmd.To},
		{"priority", "1"},
		{"enhanced", "0.0"},
		{"accountcode", ""},
		{"threadid", "1"},
	} {
		fmt.Fprintf(&b, "agi_%s: %s\n", line[0], line[1])
	}
	a.say("a call from %s to %s (id %s)", caller(a.cmd.From), safe(a.cmd.To), id)
	_, err := io.WriteString(a.conn, b.String()+"\n")
	return err
}

// serve carries out commands until the server is done.
func (a *asterisk) serve() error {
	for {
		if deadline, ok := a.p.ctx.Deadline(); ok {
			_ = a.conn.SetReadDeadline(deadline)
		}
		line, err := a.r.ReadString('\n')
		if err != nil {
			if err := a.p.ctx.Err(); err != nil {
				return err
			}
			return a.over(err)
		}
		line = strings.TrimRight(line, "\r\n")
		a.say("> %s", line)
		reply, err := a.carryOut(line)
		if err != nil {
			return err
		}
		a.say("< %s", reply)
		if _, err := io.WriteString(a.conn, reply+"\n"); err != nil {
			return a.over(err)
		}
	}
}

// over tells how the session ended. The proof that the call was served is RINGSIDE_RESULT.
func (a *asterisk) over(err error) error {
	result := a.vars["RINGSIDE_RESULT"]
	action, target := a.vars["RINGSIDE_ACTION"], a.vars["RINGSIDE_TARGET"]
	switch {
	case result == "" && !errors.Is(err, io.EOF):
		return fmt.Errorf("the connection broke: %w", err)
	case result == "":
		return errors.New("the server closed without a result: a dialplan takes its fallback")
	}
	_, _ = fmt.Fprintf(a.p.out, "result: %s; action: %s", result, action)
	if target != "" {
		_, _ = fmt.Fprintf(a.p.out, " %s", target)
	}
	if dial := a.vars["RINGSIDE_DIAL"]; dial != "" {
		_, _ = fmt.Fprintf(a.p.out, "; dial %s", dial)
	}
	_, _ = fmt.Fprintln(a.p.out)
	return nil
}

func (a *asterisk) say(format string, args ...any) {
	if !a.cmd.Quiet {
		_, _ = fmt.Fprintf(a.p.out, format+"\n", args...)
	}
}

// carryOut does what one command says and gives Asterisk's reply to it.
func (a *asterisk) carryOut(line string) (string, error) {
	words := agiWords(line)
	command := strings.ToUpper(words[0])
	if command == "EXEC" && len(words) > 2 {
		return a.execute(words[1], words[2])
	}
	switch {
	case command == "HANGUP":
		a.gone = true
		return "200 result=1", nil
	case strings.HasPrefix(line, "GET FULL VARIABLE"):
		return a.expand(words[len(words)-1]), nil
	case strings.HasPrefix(line, "SET MUSIC ON"):
		if _, err := io.WriteString(a.conn, "200 result=0\n"); err != nil {
			return "", err
		}
		return a.hold()
	case strings.HasPrefix(line, "STREAM FILE"):
		return "200 result=0 endpos=8000", nil
	case a.gone:
		return "511 Command Not Permitted on a dead channel or intercept routine", nil
	}
	return "200 result=0", nil
}

// hold waits in the queue: for the server's next command, or until the caller's patience ends.
func (a *asterisk) hold() (string, error) {
	_ = a.conn.SetReadDeadline(time.Now().Add(a.cmd.Patience.Duration))
	_, err := a.r.Peek(1)
	_ = a.conn.SetReadDeadline(time.Time{})
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		a.gone = true
		a.say("the caller has lost patience and hangs up")
		return "HANGUP", nil
	case err != nil:
		return "", a.over(err)
	}
	line, err := a.r.ReadString('\n')
	if err != nil {
		return "", a.over(err)
	}
	line = strings.TrimRight(line, "\r\n")
	a.say("> %s", line)
	return a.carryOut(line)
}

func (a *asterisk) execute(app, args string) (string, error) {
	switch app {
	case "MSet":
		for _, pair := range splitArgs(args) {
			name, value, _ := strings.Cut(pair, "=")
			a.vars[name] = value
		}
	case "Dial":
		return a.dial(args), nil
	case "VoiceMail":
		a.vars["VMSTATUS"] = "SUCCESS"
	case "Hangup":
		return "200 result=-1", nil
	}
	return "200 result=0", nil
}

// dial plays one attempt with the next of the outcomes that were asked for.
func (a *asterisk) dial(args string) string {
	outcome := a.cmd.Dial[min(a.dials, len(a.cmd.Dial)-1)]
	a.dials++
	targets, _, _ := strings.Cut(args, ",")
	first, _, _ := strings.Cut(targets, "&")
	a.vars["ANSWEREDTIME"], a.vars["DIALEDPEERNAME"] = "", ""
	status, cause := "ANSWER", "16"
	switch outcome {
	case "busy":
		status, cause = "BUSY", "17"
	case "noanswer":
		status, cause = "NOANSWER", "19"
	case "unavailable":
		status, cause = "CHANUNAVAIL", "20"
	case "cancel":
		status, cause = "CANCEL", "0"
		a.gone = true
	default:
		a.vars["ANSWEREDTIME"] = strconv.Itoa(int(a.cmd.Talk.Duration / time.Second))
		a.vars["DIALEDPEERNAME"] = first + "-00000002"
		select {
		case <-time.After(a.cmd.Talk.Duration):
		case <-a.p.ctx.Done():
		}
	}
	a.say("  %s: %s", safe(targets), status)
	a.vars["DIALSTATUS"], a.vars["HANGUPCAUSE"] = status, cause
	if a.gone {
		return "HANGUP\n200 result=-1"
	}
	return "200 result=0"
}

// expand puts variables into an expression, as GET FULL VARIABLE does.
func (a *asterisk) expand(expression string) string {
	expression = strings.ReplaceAll(expression, "${URIENCODE(${DIALEDPEERNAME})}", url.PathEscape(a.vars["DIALEDPEERNAME"]))
	for {
		start := strings.Index(expression, "${")
		if start < 0 {
			return "200 result=1 (" + expression + ")"
		}
		end := start + strings.IndexByte(expression[start:], '}')
		if end < start {
			return "200 result=0"
		}
		expression = expression[:start] + a.vars[expression[start+2:end]] + expression[end+1:]
	}
}

// agiWords splits a command as Asterisk's parse_args (res_agi.c) does.
func agiWords(line string) (words []string) {
	var word strings.Builder
	quoted, started := false, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '"':
			quoted, started = !quoted, true
		case c == '\\' && i+1 < len(line):
			i++
			word.WriteByte(line[i])
		case c == ' ' && !quoted:
			if started || word.Len() > 0 {
				words = append(words, word.String())
			}
			word.Reset()
			started = false
		default:
			word.WriteByte(c)
		}
	}
	if started || word.Len() > 0 || len(words) == 0 {
		words = append(words, word.String())
	}
	return words
}

// splitArgs splits an application's argument at commas outside of quotes, and drops the quotes.
func splitArgs(args string) (parts []string) {
	var part strings.Builder
	quoted := false
	for i := range len(args) {
		switch c := args[i]; {
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			parts = append(parts, part.String())
			part.Reset()
		default:
			part.WriteByte(c)
		}
	}
	return append(parts, part.String())
}
