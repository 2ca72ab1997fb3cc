package pbx

import (
	"embed"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"text/template"
)

//go:embed sipp/*.xml
var scenarios embed.FS

// agent is one running SIPp: a phone or a caller.
type agent struct {
	*Process
	name string
	log  string
}

// startAgent runs a scenario on an address; its messages are logged in dir under the given name if
// it is traced.
func startAgent(dir, name, scenario string, data any, address string, port int, traced bool, args ...string) (*agent, error) {
	sipp, err := SIPp()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, name+".xml")
	if err := render(scenarios, "sipp/"+scenario, file, data); err != nil {
		return nil, err
	}
	a := &agent{name: name, log: filepath.Join(dir, name+".messages")}
	if traced {
		args = append([]string{
			"-trace_msg", "-message_file", a.log, "-trace_err", "-error_file", filepath.Join(dir, name+".errors"),
		}, args...)
	}
	args = append([]string{
		"-sf", file, "-i", address, "-mi", address, "-ci", address, "-p", fmt.Sprint(port), "-nostdin",
	}, args...)
	a.Process, err = startProcess(dir, filepath.Join(dir, name+".out"), nil, sipp, args...)
	if err != nil {
		return nil, err
	}
	return a, nil
}

// listening waits until the agent has bound its address.
func (a *agent) listening(address string, port int) error {
	at := netip.AddrPortFrom(netip.MustParseAddr(address), uint16(port))
	return Until(startLimit, a.name+" listens", func() (bool, error) {
		if !a.Running() {
			return true, nil
		}
		return bound("udp", at)
	})
}

// Messages are the SIP messages that the agent has sent and received so far, in order.
func (a *agent) Messages() (Messages, error) { return readMessages(a.log) }

// String tells in a line per message what the agent saw.
func (a *agent) String() string {
	m, err := a.Messages()
	if err != nil {
		return fmt.Sprintf("%s: %v", a.name, err)
	}
	s := fmt.Sprintf("%s:\n%v", a.name, m)
	if raw, err := os.ReadFile(filepath.Join(filepath.Dir(a.log), a.name+".errors")); err == nil && len(raw) > 0 {
		s += string(raw)
	}
	return s
}

// render fills in a template of the embedded files.
func render(from embed.FS, name, to string, data any) error {
	t, err := template.ParseFS(from, name)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	f, err := os.Create(to)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := t.Execute(f, data); err != nil {
		f.Close()
		return fmt.Errorf("fill in %s: %w", name, err)
	}
	return f.Close()
}
