package agi

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// Limits of the environment that Asterisk sends first, at once: about 25 short lines.
const (
	environmentWithin = 5 * time.Second

	maxEnvLines = 200
	maxEnvBytes = 64 * 1024
	maxEnvValue = 1024
)

var errEnvironment = errors.New("the peer sent no AGI environment")

// environment is what ringside uses of the lines that Asterisk sends first.
type environment struct {
	request    string
	script     string // the request's path without its slash
	query      query  // the request's query
	channel    string
	uniqueID   string
	callerID   string
	callerName string
	extension  string
	dnid       string
	context    string
	// complete: the last of the lines that Asterisk always sends has come.
	complete bool
}

// readEnvironment reads lines up to the empty one. Lines may come in any order; unknown ones are
// passed over, and a value is cut at 1 KiB: a caller chooses their own name. A line that comes
// twice is refused, since Asterisk sends none twice: a line break in somebody's number made it. So
// is a request that ends before agi_threadid, the last line that Asterisk always sends. The
// error names the limit that a peer broke, and holds nothing that the peer sent.
func readEnvironment(r *bufio.Reader) (*environment, error) {
	env := &environment{}
	total := 0
	for range maxEnvLines {
		line, err := readEnvLine(r, &total)
		if err != nil {
			return nil, err
		}
		if len(line) == 0 {
			switch {
			case env.request == "":
				return nil, fmt.Errorf("%w: there is no agi_network_script", errEnvironment)
			case !env.complete:
				return nil, fmt.Errorf("%w: it ends early", errEnvironment)
			}
			script, asked, _ := strings.Cut(env.request, "?")
			env.script, env.query = strings.TrimPrefix(script, "/"), query(asked)
			return env, nil
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			return nil, fmt.Errorf("%w: a line without a colon", errEnvironment)
		}
		value = bytes.TrimPrefix(value, []byte(" "))
		if err := env.set(name, value); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: more than %d lines", errEnvironment, maxEnvLines)
}

// readEnvLine reads one line without its end; of a long one, only the beginning is kept.
func readEnvLine(r *bufio.Reader, total *int) ([]byte, error) {
	var long []byte
	for {
		part, err := r.ReadSlice('\n')
		if *total += len(part); *total > maxEnvBytes {
			return nil, fmt.Errorf("%w: more than %d bytes", errEnvironment, maxEnvBytes)
		}
		switch {
		case err == nil && long == nil:
			return bytes.TrimRight(part, "\r\n"), nil
		case err == nil:
			return long, nil
		case errors.Is(err, bufio.ErrBufferFull):
			if long == nil {
				long = append([]byte{}, part[:min(len(part), 2*maxEnvValue)]...)
			}
		case errors.Is(err, io.EOF):
			return nil, fmt.Errorf("%w: the connection ended", errEnvironment)
		default:
			return nil, fmt.Errorf("reading the AGI environment: %w", err)
		}
	}
}

func (e *environment) set(name, value []byte) error {
	var field *string
	switch string(name) {
	case "agi_network_script":
		field = &e.request
	case "agi_threadid":
		if e.complete {
			return fmt.Errorf("%w: a line came twice", errEnvironment)
		}
		e.complete = true
		return nil
	case "agi_channel":
		field = &e.channel
	case "agi_uniqueid":
		field = &e.uniqueID
	case "agi_callerid":
		field = &e.callerID
	case "agi_calleridname":
		field = &e.callerName
	case "agi_extension":
		field = &e.extension
	case "agi_dnid":
		field = &e.dnid
	case "agi_context":
		field = &e.context
	default:
		return nil
	}
	if *field != "" {
		return fmt.Errorf("%w: a line came twice", errEnvironment)
	}
	*field = cutBytes(value, maxEnvValue)
	return nil
}

// cutBytes is cut without a copy of what is cut off.
func cutBytes(b []byte, limit int) string {
	return dialplan.Cut(string(b[:min(len(b), limit+1)]), limit)
}

// caller is the caller's number; Asterisk writes "unknown" for none.
func (e *environment) caller() string {
	if e.callerID == "unknown" {
		return ""
	}
	return e.callerID
}

func (e *environment) name() string {
	if e.callerName == "unknown" {
		return ""
	}
	return e.callerName
}

// called is the number that was called: what the dialplan says in the request, which comes before
// anything that a caller can write into; else the dialplan's extension unless it is one of the
// special ones, else the number that the trunk gave.
func (e *environment) called() string {
	if to := e.query.Get("to"); to != "" {
		return to
	}
	switch e.extension {
	case "", "s", "h", "i", "t":
		if e.dnid != "unknown" {
			return e.dnid
		}
		return ""
	}
	return e.extension
}

// id is the PBX's id of the call: what the dialplan gave (the LINKEDID), else the channel's own.
func (e *environment) id() string {
	if id := e.query.Get("id"); dialplan.Word(id, ringside.MaxCallID) {
		return id
	}
	return e.uniqueID
}
