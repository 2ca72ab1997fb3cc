package main

import (
	"fmt"
	"io"
	"os"
)

// Limits of the files that a user names.
const (
	maxConfigFile    = 1 << 20
	maxDirectoryFile = 128 << 20
	maxContactsFile  = 1 << 30
)

// openFile opens a file that a user named. What is no file (a folder, a device that never ends) and
// what is longer than limit is an error.
func openFile(path string, limit int64) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case info.IsDir() || info.Mode()&os.ModeDevice != 0:
		err = fmt.Errorf("%s is no file", path)
	case info.Size() > limit:
		err = fmt.Errorf("%s is %d bytes long, more than %d", path, info.Size(), limit)
	default:
		return f, nil
	}
	_ = f.Close()
	return nil, err
}

// readFile reads a file that a user named. A pipe that is longer than limit is cut there, and what
// reads the text will say so.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := openFile(path, limit)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, limit))
}
