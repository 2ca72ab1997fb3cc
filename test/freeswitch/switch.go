// Package freeswitch tries ringside on a real FreeSWITCH, which a machine that has one names in
// RINGSIDE_FREESWITCH: the path of its program. Debian has none, so elsewhere the tests are skipped; there,
// recorded conversations stand for it (esl/testdata/recorded).
package freeswitch

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"github.com/ringside-pbx/ringside/test/pbx"
)

//go:embed freeswitch.xml
var configuration string

const password = "a-password-of-the-tests"

// Switch is a FreeSWITCH that runs in a folder of its own.
type Switch struct {
	Dir                 string
	EventSocket, Socket int
	// HandOver is what ringside prints for its dialplan.
	HandOver string
	Password string

	program string
	cmd     *exec.Cmd
}

// FreePort is one that nobody listens on.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// Start runs FreeSWITCH and waits until it takes connections.
func (s *Switch) Start() error {
	s.Password = password
	for _, dir := range []string{"conf", "db", "music", "sounds/custom", "recordings"} {
		if err := os.MkdirAll(filepath.Join(s.Dir, dir), 0o755); err != nil {
			return err
		}
	}
	for file, seconds := range map[string]int{"music/tone.wav": 10, "sounds/custom/closed.wav": 2} {
		if err := os.WriteFile(filepath.Join(s.Dir, file), tone(seconds), 0o644); err != nil {
			return err
		}
	}
	t, err := template.New("freeswitch.xml").Parse(configuration)
	if err != nil {
		return err
	}
	var text strings.Builder
	if err := t.Execute(&text, s); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.Dir, "conf/freeswitch.xml"), []byte(text.String()), 0o644); err != nil {
		return err
	}
	root := filepath.Dir(filepath.Dir(s.program))
	s.cmd = exec.Command(s.program, "-nf", "-nonat", "-nc", "-rp", "-conf", filepath.Join(s.Dir, "conf"), "-log", s.Dir, "-run", s.Dir,
		"-db", filepath.Join(s.Dir, "db"), "-mod", modules(root), "-sounds", filepath.Join(s.Dir, "sounds"))
	s.cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+filepath.Join(root, "lib"))
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("start FreeSWITCH: %w", err)
	}
	return pbx.Until(30*time.Second, "FreeSWITCH listens", func() (bool, error) { return pbx.Listening(s.EventSocket) })
}

// modules is where FreeSWITCH's modules are: packages have them in another place than its own make install.
func modules(root string) string {
	for _, dir := range []string{"mod", "lib/freeswitch/mod"} {
		if _, err := os.Stat(filepath.Join(root, dir, "mod_event_socket.so")); err == nil {
			return filepath.Join(root, dir)
		}
	}
	return filepath.Join(root, "mod")
}

// Stop ends FreeSWITCH and all its calls.
func (s *Switch) Stop() error {
	if s.cmd == nil || s.cmd.Process == nil {
		return nil
	}
	if err := s.cmd.Process.Kill(); err != nil {
		return err
	}
	var ended *exec.ExitError
	if err := s.cmd.Wait(); err != nil && !errors.As(err, &ended) {
		return err
	}
	return nil
}

// Log is what FreeSWITCH has written.
func (s *Switch) Log() string {
	text, err := os.ReadFile(filepath.Join(s.Dir, "freeswitch.log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Executed reports whether an application was run on a call to that number.
func (s *Switch) Executed(called, application string) bool {
	for line := range strings.Lines(s.Log()) {
		if strings.Contains(line, "EXECUTE [depth=") && strings.Contains(line, "loopback/"+called+"-b "+application) {
			return true
		}
	}
	return false
}

// tone is a sound file of some seconds: 8 kHz, 16 bits, one channel.
func tone(seconds int) []byte {
	const rate = 8000
	n := seconds * rate * 2
	b := append([]byte("RIFF"), binary.LittleEndian.AppendUint32(nil, uint32(36+n))...)
	b = append(b, "WAVEfmt "...)
	for _, v := range []any{uint32(16), uint16(1), uint16(1), uint32(rate), uint32(2 * rate), uint16(2), uint16(16)} {
		b, _ = binary.Append(b, binary.LittleEndian, v) // it never fails for numbers
	}
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(n))
	for i := range seconds * rate {
		b = binary.LittleEndian.AppendUint16(b, uint16(int16(6000*math.Sin(2*math.Pi*440*float64(i)/rate))))
	}
	return b
}
