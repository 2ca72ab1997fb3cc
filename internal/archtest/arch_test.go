// Package archtest holds the architecture to its picture: which package may import which of ours,
// and which library lives behind which package.
package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/ringside-pbx/ringside"

// mayImport is the table of the architecture, in the README and docs/architecture.md. "" is the
// root package; "internal" is any package below it.
var mayImport = map[string][]string{
	"":          {},
	"routing":   {""},
	"calls":     {"", "routing"},
	"agi":       {"", "internal"},
	"store":     {""},
	"control":   {""},
	"configs":   {},
	"internal":  {""},
	"sync":      {"", "internal"},
	"directory": {"", "routing"},
	"ami":       {"", "internal"},
	"ari":       {"", "internal"},
	"esl":       {"", "internal"},
	"guard":     {"", "internal"},
	"docs":      {},
}

// mayEverything are the packages that wire, measure or test the others.
var mayEverything = []string{"cmd", "bench", "test"}

// livesIn says behind which packages a library stands.
var livesIn = map[string][]string{
	"go.etcd.io/bbolt":                {"store"},
	"github.com/CyCoreSystems/agi":    {"agi"},
	"github.com/CyCoreSystems/ari/v6": {"ari"},
	"github.com/coder/websocket":      {"ari"},
	"github.com/percipia/eslgo":       {"esl"},
	"github.com/nyaruka/phonenumbers": {"routing"},
	"github.com/alecthomas/kong":      {"cmd"},
	"go.yaml.in/yaml/v3":              {"cmd"},
	"github.com/getkin/kin-openapi":   {"docs"},
}

type listed struct {
	ImportPath string
	Standard   bool
	Imports    []string
}

func list(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Standard,Imports", module+"/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// place is the part of the table that a package of ours belongs to.
func place(importPath string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(importPath, module), "/"), "/")
	return first
}

func ours(importPath string) bool {
	return importPath == module || strings.HasPrefix(importPath, module+"/")
}

func TestPackagesImportOnlyWhatTheTableAllows(t *testing.T) {
	all := list(t)
	if len(all) < len(mayImport) {
		t.Fatalf("only %d packages were listed", len(all))
	}
	for _, p := range all {
		from := place(p.ImportPath)
		if slices.Contains(mayEverything, from) {
			continue
		}
		allowed, known := mayImport[from]
		if !known {
			t.Errorf("%s is not in the architecture's table", p.ImportPath)
			continue
		}
		for _, imported := range p.Imports {
			if ours(imported) && !slices.Contains(allowed, place(imported)) && place(imported) != from {
				t.Errorf("%s imports %s, which the architecture does not allow", p.ImportPath, imported)
			}
		}
	}
}

func TestRootImportsTheStandardLibraryOnly(t *testing.T) {
	for _, p := range list(t) {
		if p.ImportPath != module {
			continue
		}
		for _, imported := range p.Imports {
			if strings.Contains(strings.SplitN(imported, "/", 2)[0], ".") {
				t.Errorf("the root package imports %s", imported)
			}
		}
	}
}

func TestLibrariesStandBehindOnePackage(t *testing.T) {
	for _, p := range list(t) {
		for _, imported := range p.Imports {
			for library, homes := range livesIn {
				if imported != library && !strings.HasPrefix(imported, library+"/") {
					continue
				}
				if !slices.Contains(homes, place(p.ImportPath)) {
					t.Errorf("%s imports %s, which lives behind %s only", p.ImportPath, imported, path.Join(homes...))
				}
			}
		}
	}
}
