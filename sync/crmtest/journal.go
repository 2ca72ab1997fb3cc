package crmtest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// journal is the data file: JSON lines, only ever added to. put is called in the order in which
// things take effect; whoever answers for something flushes before. Without a file it does nothing.
type journal struct {
	file *os.File

	mu      sync.Mutex
	pending bytes.Buffer
	err     error

	// writing is held by whoever writes, so that flush returns when all that was put before is written.
	writing sync.Mutex
	spare   []byte
}

var errJournalClosed = errors.New("the data file is closed")

// openJournal reads the lines of a file and continues it. A last line that a kill has torn was never
// answered for, and is cut off.
func openJournal(path string, restore func(*entry) error) (*journal, error) {
	j := &journal{}
	if path == "" {
		return j, nil
	}
	// A device may never end.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	end, err := readLines(f, restore)
	if err == nil {
		err = errors.Join(f.Truncate(end), syncFolder(path))
	}
	if err == nil {
		_, err = f.Seek(end, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	j.file = f
	return j, nil
}

// readLines gives the end of the last whole line.
func readLines(f *os.File, restore func(*entry) error) (end int64, err error) {
	r := bufio.NewReaderSize(f, 1<<20)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF):
			return end, nil
		case err != nil:
			return end, err
		}
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			if _, last := r.Peek(1); errors.Is(last, io.EOF) {
				return end, nil
			}
			return end, fmt.Errorf("line %d is damaged: %w", n, err)
		}
		if err := restore(&e); err != nil {
			return end, fmt.Errorf("line %d: %w", n, err)
		}
		end += int64(len(line))
	}
}

// syncFolder makes a new file's name last.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// put adds a line that the next flush writes.
func (j *journal) put(e *entry) {
	if j.file == nil {
		return
	}
	line, err := json.Marshal(e)
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil {
		j.err = errors.Join(j.err, err)
		return
	}
	j.pending.Write(line)
	j.pending.WriteByte('\n')
}

// flush returns when everything that was put before is on the disk. After an error nothing is
// acknowledged any more: what is in memory and what is on the disk differ.
func (j *journal) flush() error {
	if j.file == nil {
		return nil
	}
	j.writing.Lock()
	defer j.writing.Unlock()
	j.mu.Lock()
	lines := append(j.spare[:0], j.pending.Bytes()...)
	j.pending.Reset()
	err := j.err
	j.mu.Unlock()
	j.spare = lines
	if err != nil || len(lines) == 0 {
		return err
	}
	if _, err = j.file.Write(lines); err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		j.fail(err)
	}
	return err
}

func (j *journal) fail(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.err = errors.Join(j.err, err)
}

func (j *journal) close() error {
	if j.file == nil {
		return nil
	}
	err := j.flush()
	j.writing.Lock()
	defer j.writing.Unlock()
	j.fail(errJournalClosed)
	return errors.Join(err, j.file.Close())
}
