package pbx

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/ringside-pbx/ringside"
)

// Daemon is a ringside that is known by its command line alone.
type Daemon struct {
	*Process
	bin, dir string
	agi      int
}

// Node is the daemon's name, with which its call ids begin.
const Node = "pbx-test"

const daemonConfig = `node: ` + Node + `
store:
  path: %[1]s/ringside.db
%[3]shttp: {listen: ""}
agi:
  listen: "127.0.0.1:%[2]d"
  deadline: 50ms
dial:
  extension: "PJSIP/${number}"
  external: "PJSIP/${number}@trunk"
  voicemail: "${number}@default"
control:
  socket: %[1]s/control.sock
log:
  level: %[4]s
shutdown:
  grace: 1s
`

// DaemonOptions say how a ringside is to run.
type DaemonOptions struct {
	// AGI is the port that the PBX asks on.
	AGI int
	// Directory is a directory file's text; empty is none.
	Directory string
	// LogLevel is debug if it is empty.
	LogLevel string
	// Config are further lines of the configuration.
	Config string
}

// StartDaemon runs ringside with an empty store and waits until it listens for the PBX. Its files
// lie in dir.
func StartDaemon(bin, dir string, o DaemonOptions) (*Daemon, error) {
	d := &Daemon{bin: bin, dir: dir, agi: o.AGI}
	file := ""
	if o.Directory != "" {
		path := filepath.Join(dir, "directory.yaml")
		if err := os.WriteFile(path, []byte(o.Directory), 0o600); err != nil {
			return nil, fmt.Errorf("start ringside: %w", err)
		}
		file = "directory:\n  file: " + path + "\n"
	}
	if !strings.Contains(o.Config, "esl:") {
		file += "esl: {listen: off}\n"
	}
	file += o.Config
	if err := os.WriteFile(d.config(), fmt.Appendf(nil, daemonConfig, dir, o.AGI, file, cmp.Or(o.LogLevel, "debug")), 0o600); err != nil {
		return nil, fmt.Errorf("start ringside: %w", err)
	}
	return d, d.Start()
}

func (d *Daemon) config() string { return filepath.Join(d.dir, "ringside.yaml") }

// Log is the path of the daemon's log.
func (d *Daemon) Log() string { return filepath.Join(d.dir, "ringside.log") }

// Start runs the daemon, also again after it has ended: on the same store.
func (d *Daemon) Start() error {
	p, err := startProcess(d.dir, d.Log(), nil, d.bin, "serve", "--config", d.config())
	if err != nil {
		return err
	}
	d.Process = p
	err = Until(startLimit, "ringside listens", func() (bool, error) {
		if !p.Running() {
			return true, nil
		}
		return Listening(d.agi)
	})
	if err == nil && !p.Running() {
		err = errors.New("it ended at once")
	}
	if err != nil {
		_ = p.Kill()
		return fmt.Errorf("start ringside: %w:\n%s", err, Tail(d.Log(), 0, 20))
	}
	return nil
}

// Terminate asks the daemon to end and waits for it.
func (d *Daemon) Terminate() error {
	if err := d.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return d.Wait(10 * time.Second)
}

// Freeze stops the daemon with SIGSTOP: it neither answers nor ends anything. It returns when the
// kernel has stopped it.
func (d *Daemon) Freeze() error {
	if err := d.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	return Until(startLimit, "ringside is stopped", func() (bool, error) {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", d.PID()))
		_, rest, _ := strings.Cut(string(raw), ") ")
		return strings.HasPrefix(rest, "T"), err
	})
}

// Thaw lets a frozen daemon go on.
func (d *Daemon) Thaw() error { return d.Signal(syscall.SIGCONT) }

// Run runs one of ringside's commands with the daemon's configuration.
func (d *Daemon) Run(args ...string) ([]byte, error) {
	var stderr strings.Builder
	cmd := exec.Command(d.bin, append(args, "--config", d.config())...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return out, fmt.Errorf("ringside %s: %w: %s", strings.Join(args, " "), err, stderr.String())
	}
	return out, nil
}

// Background runs one of ringside's commands until it is killed; it prints to a file.
func (d *Daemon) Background(output string, args ...string) (*Process, error) {
	return startProcess(d.dir, output, nil, d.bin, append(args, "--config", d.config())...)
}

// Calls are the daemon's records, of live calls too.
func (d *Daemon) Calls() ([]ringside.Call, error) {
	out, err := d.Run("calls", "list", "--json")
	if err != nil {
		return nil, err
	}
	var calls []ringside.Call
	if err := json.Unmarshal(out, &calls); err != nil {
		return nil, fmt.Errorf("ringside calls list: %w: %.200s", err, out)
	}
	return calls, nil
}

// Dialplan is the dialplan that the daemon prints, with further arguments of the command.
func (d *Daemon) Dialplan(args ...string) (string, error) {
	out, err := d.Run(append([]string{"dialplan", "asterisk"}, args...)...)
	return string(out), err
}

// ConnectedWithARI waits until the daemon is connected with Asterisk's REST interface.
func (d *Daemon) ConnectedWithARI() error {
	return Until(startLimit, "ringside is connected with ARI", func() (bool, error) {
		out, err := d.Run("status", "--json")
		if err != nil {
			return false, err
		}
		var s struct {
			ARI struct {
				Up bool `json:"up"`
			} `json:"ari"`
		}
		err = json.Unmarshal(out, &s)
		return s.ARI.Up, err
	})
}
