package pbx_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/ringside-pbx/ringside/test/pbx"
)

// rig is what all stories share: an Asterisk per version, started for the first story that needs
// it, and the path of the ringside binary.
type rig struct {
	dir   string
	ports pbx.Ports

	mu        sync.Mutex
	asterisks map[string]*pbx.Asterisk

	build    sync.Once
	ringside string
	buildErr error
}

var shared rig

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if os.Getenv("RINGSIDE_PBX") != "1" {
		return noLeaks(m.Run())
	}
	dir, err := os.MkdirTemp("", "pbx-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	shared.dir, shared.asterisks = dir, map[string]*pbx.Asterisk{}
	code := m.Run()
	for v, a := range shared.asterisks {
		if err := a.Close(); err != nil {
			fmt.Fprintf(os.Stderr, "Asterisk %s: %v\n", v, err)
			code = 1
		}
	}
	return noLeaks(code)
}

// noLeaks fails a run that leaves goroutines behind.
func noLeaks(code int) int {
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// asterisk gives the running instance of a version.
func (r *rig) asterisk(version string) (*pbx.Asterisk, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.asterisks[version]
	if a == nil {
		var err error
		if a, err = pbx.NewAsterisk(version, pbx.Options{Verbose: 4, Ports: &r.ports}); err != nil {
			return nil, err
		}
		r.asterisks[version] = a
	}
	if !a.Running() {
		if err := a.Start(); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// binary builds ringside once; RINGSIDE_BIN names one that is built already.
func (r *rig) binary() (string, error) {
	r.build.Do(func() {
		if r.ringside = os.Getenv("RINGSIDE_BIN"); r.ringside != "" {
			return
		}
		r.ringside = filepath.Join(r.dir, "ringside")
		out, err := exec.Command("go", "build", "-o", r.ringside, "github.com/ringside-pbx/ringside/cmd/ringside").CombinedOutput()
		if err != nil {
			r.buildErr = fmt.Errorf("build ringside: %w\n%s", err, out)
		}
	})
	return r.ringside, r.buildErr
}

// versions are those to test with.
func versions() []string {
	if v := os.Getenv("RINGSIDE_PBX_VERSIONS"); v != "" {
		return strings.Fields(v)
	}
	return []string{"22", "16"}
}

// story runs a test on every version of Asterisk, all versions at the same time.
func story(t *testing.T, tell func(*testing.T, *stage)) {
	t.Helper()
	onEveryVersion(t, tell)
}

// throughEachDoor runs a story twice: with calls that ringside drives through FastAGI, and through ARI. The
// same rules must give the same outcome, and the same record.
func throughEachDoor(t *testing.T, tell func(*testing.T, *stage)) {
	t.Helper()
	t.Run("agi", func(t *testing.T) { onEveryVersion(t, tell) })
	throughARI(t, tell)
}

// throughARI runs a story with calls that ringside drives through ARI.
func throughARI(t *testing.T, tell func(*testing.T, *stage)) {
	t.Helper()
	t.Run("ari", func(t *testing.T) {
		onEveryVersion(t, func(t *testing.T, s *stage) {
			s.ari = true
			tell(t, s)
		})
	})
}

func onEveryVersion(t *testing.T, tell func(*testing.T, *stage)) {
	t.Helper()
	if os.Getenv("RINGSIDE_PBX") != "1" {
		t.Skip("needs a real Asterisk: run make pbx (or test/pbx/install.sh once, then RINGSIDE_PBX=1 go test ./test/pbx/...)")
	}
	for _, v := range versions() {
		t.Run("asterisk-"+v, func(t *testing.T) {
			t.Parallel()
			a, err := shared.asterisk(v)
			if err != nil {
				t.Fatal(err)
			}
			tell(t, newStage(t, a))
		})
	}
}
