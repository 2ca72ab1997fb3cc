package pbx

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// cacheDir is where install.sh puts the programs.
func cacheDir() (string, error) {
	if d := os.Getenv("RINGSIDE_PBX_CACHE"); d != "" {
		return d, nil
	}
	d, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache folder: %w", err)
	}
	return filepath.Join(d, "ringside-pbx"), nil
}

// asteriskRoot is the folder of an unpacked Asterisk.
func asteriskRoot(version string) (string, error) {
	d, err := cacheDir()
	if err != nil {
		return "", err
	}
	root := filepath.Join(d, "asterisk-"+version)
	if _, err := os.Stat(filepath.Join(root, "VERSION")); err != nil {
		return "", fmt.Errorf("there is no Asterisk %s: run test/pbx/install.sh (%w)", version, err)
	}
	return root, nil
}

// SIPp is the path of sipp: the host's, else the one that install.sh has unpacked.
func SIPp() (string, error) {
	if p, err := exec.LookPath("sipp"); err == nil {
		return p, nil
	}
	d, err := cacheDir()
	if err != nil {
		return "", err
	}
	p := filepath.Join(d, "sipp", "sipp-run")
	if _, err := os.Stat(p); err != nil {
		return "", fmt.Errorf("there is no sipp: run test/pbx/install.sh (%w)", err)
	}
	return p, nil
}
