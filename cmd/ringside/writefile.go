package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// writeIfOther replaces a file as a whole, unless it holds the text.
func writeIfOther(file string, text []byte) (written bool, err error) {
	old, err := readFile(file, maxDirectoryFile)
	switch {
	case err == nil && bytes.Equal(old, text):
		return false, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return false, err
	}
	folder := filepath.Dir(file)
	// FreeSWITCH includes *.xml, so what is half written must not end so.
	f, err := os.CreateTemp(folder, "."+filepath.Base(file)+".*.part")
	if err != nil {
		return false, err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return false, err
	}
	d, err := os.Open(folder)
	if err != nil {
		return true, nil //nolint:nilerr // the file is there; only its name's way to the disk is not waited for
	}
	_ = d.Sync()
	return true, d.Close()
}
