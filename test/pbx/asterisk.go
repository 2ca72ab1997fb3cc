package pbx

import (
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

//go:embed conf/*.conf
var configs embed.FS

// startLimit is how long a program may take until it can be used.
const startLimit = 30 * time.Second

// Fallback is the extension that the test dialplan rings when ringside does not serve a call.
const Fallback = "199"

// Unregistered is an extension that has no contact.
const Unregistered = "190"

// Asterisk is one instance with its own folder and ports.
type Asterisk struct {
	Version string
	Dir     string
	// Port is the SIP port, Asterisk's own and that of every phone, each on its own address.
	Port int
	// AGI is the port on which the dialplan expects ringside, Responder the one of the smallest
	// FastAGI server, HTTP the one for CURL().
	AGI, Responder, HTTP int
	// AMI is the port of the manager interface, AMITLS the one with TLS; the certificate is made for
	// the instance (CertFile) and serves 127.0.0.1.
	AMI, AMITLS int
	// ARI is the port of Asterisk's own HTTP server.
	ARI int

	root  string
	run   string
	ports *Ports
	proc  *Process
}

// Options change what is not the same for all instances.
type Options struct {
	// Verbose is the level of the full log; 0 logs no verbose messages.
	Verbose int
	// Ports is where the ports come from; nil is a set of the instance's own.
	Ports *Ports
}

// trunk is a peer that is known by its address.
type trunk struct{ Name, Address, Context, Contact string }

func trunks() []trunk {
	return []trunk{
		{"trunk", FromTrunk, "from-trunk", CarrierAddress},
		{"decide", FromDecide, "from-decide", ""},
		{"raw", FromRaw, "from-raw", ""},
		{"plain", FromPlain, "from-plain", ""},
	}
}

// extension is a phone's number and address.
type extension struct{ Number, Address string }

// extensions are 101 to 140, the fallback, and the one that nobody has registered.
func extensions() []extension {
	var all []extension
	for i := range 40 {
		all = append(all, extension{fmt.Sprint(101 + i), fmt.Sprintf("127.0.1.%d", 1+i)})
	}
	return append(all, extension{Fallback, "127.0.1.99"}, extension{Unregistered, ""})
}

// NewAsterisk prepares an instance of a version ("22" or "16") in a folder of its own under the
// system's folder for temporary files; Close removes it. The folder's path is short because a
// unix socket lies in it.
func NewAsterisk(version string, o Options) (*Asterisk, error) {
	root, err := asteriskRoot(version)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "pbx"+version+"-")
	if err != nil {
		return nil, fmt.Errorf("prepare Asterisk: %w", err)
	}
	a := &Asterisk{Version: version, Dir: dir, root: root, run: filepath.Join(root, "asterisk-run"), ports: o.Ports}
	if a.ports == nil {
		a.ports = &Ports{}
	}
	if err := a.prepare(o); err != nil {
		_ = os.RemoveAll(dir)
		return nil, fmt.Errorf("prepare Asterisk %s: %w", version, err)
	}
	return a, nil
}

func (a *Asterisk) prepare(o Options) (err error) {
	addresses := []string{"127.0.0.1", CarrierAddress}
	for _, e := range extensions() {
		if e.Address != "" {
			addresses = append(addresses, e.Address)
		}
	}
	if a.Port, err = a.ports.free(addresses...); err != nil {
		return err
	}
	for _, port := range []*int{&a.AGI, &a.Responder, &a.HTTP, &a.AMI, &a.AMITLS, &a.ARI} {
		if *port, err = a.ports.free("127.0.0.1"); err != nil {
			return err
		}
	}
	for _, d := range []string{
		"etc", "cache", "lib/keys", "agi-bin", "run", "moh", "log/cdr-csv",
		"spool/monitor", "spool/recording", "spool/outgoing", "spool/tmp", "spool/voicemail",
	} {
		if err := os.MkdirAll(filepath.Join(a.Dir, d), 0o755); err != nil {
			return err
		}
	}
	arch, err := os.ReadFile(filepath.Join(a.root, "MULTIARCH"))
	if err != nil {
		return err
	}
	modules := filepath.Join(a.root, "usr/lib", strings.TrimSpace(string(arch)), "asterisk/modules")
	data := filepath.Join(a.Dir, "data")
	if err := linkData(filepath.Join(a.root, "usr/share/asterisk"), data); err != nil {
		return err
	}
	if err := os.Symlink(filepath.Join(data, "sounds/en/demo-congrats.gsm"), filepath.Join(a.Dir, "moh/demo-congrats.gsm")); err != nil {
		return err
	}
	values := struct {
		*Asterisk
		Modules, Data string
		Trunks        []trunk
		Extensions    []extension
		Verbose       int
		Fallback      string
	}{a, modules, data, trunks(), extensions(), o.Verbose, "PJSIP/" + Fallback}
	files, err := configs.ReadDir("conf")
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := render(configs, "conf/"+f.Name(), a.etc(f.Name()), values); err != nil {
			return err
		}
	}
	// Asterisk logs an error for each of these that is missing.
	for _, name := range []string{"acl", "udptl", "pjproject", "pjsip_notify", "ccss", "websocket_client"} {
		if err := os.WriteFile(a.etc(name+".conf"), []byte("; nothing is set\n"), 0o644); err != nil {
			return err
		}
	}
	if err := writeCertificate(a.CertFile(), a.etc("ami.key")); err != nil {
		return err
	}
	return a.keepModules(modules)
}

// linkData makes a data folder of links to the installed one in which voicemail's long prompts are
// beeps: a story need not listen to them.
func linkData(from, to string) error {
	if err := linkAll(from, to, nil); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(to, "sounds")); err != nil {
		return err
	}
	sounds := filepath.Join(from, "sounds", "en")
	return linkAll(sounds, filepath.Join(to, "sounds", "en"), func(name string) string {
		if strings.HasPrefix(name, "vm-") || name == "digits" {
			return "beep.gsm"
		}
		return name
	})
}

// linkAll makes a folder with a link to each entry of another; instead renames what they lead to.
func linkAll(from, to string, instead func(string) string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	for _, e := range entries {
		target := e.Name()
		if instead != nil {
			target = instead(target)
		}
		if err := os.Symlink(filepath.Join(from, target), filepath.Join(to, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// CertFile is the certificate of the manager interface's TLS port, which is its own authority.
func (a *Asterisk) CertFile() string { return a.etc("ami.crt") }

func (a *Asterisk) etc(name string) string { return filepath.Join(a.Dir, "etc", name) }

// keepModules drops the load lines of modules that this version does not have.
func (a *Asterisk) keepModules(dir string) error {
	raw, err := os.ReadFile(a.etc("modules.conf"))
	if err != nil {
		return err
	}
	var keep []string
	for _, line := range strings.Split(string(raw), "\n") {
		if m, ok := strings.CutPrefix(line, "load = "); ok {
			if _, err := os.Stat(filepath.Join(dir, m)); err != nil {
				continue
			}
		}
		keep = append(keep, line)
	}
	return os.WriteFile(a.etc("modules.conf"), []byte(strings.Join(keep, "\n")), 0o644)
}

// Start runs the instance and waits until it is fully booted. A stopped or killed instance can be
// started again: its CDRs and its logs go on.
func (a *Asterisk) Start() error {
	if a.proc != nil && a.proc.Running() {
		return errors.New("start Asterisk: it runs already")
	}
	p, err := startProcess(a.Dir, filepath.Join(a.Dir, "log/stdout"), nil, a.run, "-f", "-C", a.etc("asterisk.conf"))
	if err != nil {
		return err
	}
	a.proc = p
	err = Until(startLimit, "Asterisk is fully booted", func() (bool, error) {
		if !p.Running() {
			return true, nil
		}
		out, err := a.CLI("core waitfullybooted")
		return strings.Contains(out, "fully booted"), err
	})
	if err == nil && !p.Running() {
		err = errors.New("it ended at once")
	}
	if err != nil {
		_ = p.Kill()
		return fmt.Errorf("start Asterisk %s: %w: %s\n%s", a.Version, err, Tail(p.Output, 0, 20), Tail(a.Log(), 0, 20))
	}
	return nil
}

// CLI runs one command of Asterisk's command line and gives what it printed.
func (a *Asterisk) CLI(command string) (string, error) {
	out, err := exec.Command(a.run, "-C", a.etc("asterisk.conf"), "-rx", command).CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("asterisk -rx %q: %w", command, err)
	}
	return string(out), nil
}

// Stop ends the instance with "core stop now".
func (a *Asterisk) Stop() error {
	if a.proc == nil || !a.proc.Running() {
		return nil
	}
	_, _ = a.CLI("core stop now") // the connection breaks off; the process's end is what counts
	if err := a.proc.Wait(10 * time.Second); a.proc.Running() {
		_ = a.proc.Kill()
		return fmt.Errorf("stop Asterisk: %w", err)
	}
	return nil
}

// Kill ends the instance with SIGKILL.
func (a *Asterisk) Kill() error {
	if err := a.proc.Kill(); err != nil {
		return err
	}
	// The next start would take the old socket for a running instance's.
	for _, f := range []string{"asterisk.ctl", "asterisk.pid"} {
		if err := os.Remove(filepath.Join(a.Dir, "run", f)); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

// Running reports whether the instance runs.
func (a *Asterisk) Running() bool { return a.proc != nil && a.proc.Running() }

// Signal sends the instance a signal.
func (a *Asterisk) Signal(s syscall.Signal) error { return a.proc.Signal(s) }

// CPU is the processor time that Asterisk has used since its start.
func (a *Asterisk) CPU() (time.Duration, error) { return a.proc.CPU() }

// Close stops the instance and removes its folder.
func (a *Asterisk) Close() error {
	return errors.Join(a.Stop(), os.RemoveAll(a.Dir))
}

// Log is the path of the full log.
func (a *Asterisk) Log() string { return filepath.Join(a.Dir, "log/full") }

// LogSize is the present size of the log, from which a later reader may go on.
func (a *Asterisk) LogSize() int64 {
	st, err := os.Stat(a.Log())
	if err != nil {
		return 0
	}
	return st.Size()
}

// CDRs are the rows that Asterisk has written for a caller's number.
func (a *Asterisk) CDRs(caller string) ([]CDR, error) {
	return a.cdrs(func(c CDR) bool { return c.Source == caller })
}

// CDRsOf are the rows of the call whose first channel has a unique id.
func (a *Asterisk) CDRsOf(uniqueID string) ([]CDR, error) {
	return a.cdrs(func(c CDR) bool { return c.UniqueID == uniqueID })
}

func (a *Asterisk) cdrs(wanted func(CDR) bool) ([]CDR, error) {
	all, err := ReadCDRs(filepath.Join(a.Dir, "log/cdr-csv/Master.csv"))
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(c CDR) bool { return !wanted(c) }), nil
}

// Channels is the number of channels that are up.
func (a *Asterisk) Channels() (int, error) {
	out, err := a.CLI("core show channels count")
	if err != nil {
		return 0, err
	}
	var n int
	if _, err := fmt.Sscanf(strings.TrimSpace(out), "%d active channel", &n); err != nil {
		return 0, fmt.Errorf("count the channels: %q", out)
	}
	return n, nil
}

// Voicemails are the recorded message files of a mailbox.
func (a *Asterisk) Voicemails(mailbox string) ([]string, error) {
	return filepath.Glob(filepath.Join(a.Dir, "spool/voicemail/default", mailbox, "INBOX", "msg*.wav"))
}

// Dialplan is the text of the contexts that belong to ringside.
func (a *Asterisk) Dialplan() (string, error) {
	raw, err := os.ReadFile(a.etc("ringside.conf"))
	return string(raw), err
}

// UseDialplan replaces the contexts that belong to ringside, and reloads the dialplan if the
// instance runs.
func (a *Asterisk) UseDialplan(text string) error {
	if err := os.WriteFile(a.etc("ringside.conf"), []byte(text), 0o644); err != nil {
		return fmt.Errorf("replace the dialplan: %w", err)
	}
	if !a.Running() {
		return nil
	}
	_, err := a.CLI("dialplan reload")
	return err
}
