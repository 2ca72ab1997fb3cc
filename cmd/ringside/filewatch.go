package main

import (
	"context"
	"os"
	"sync"
	"time"
)

// filePoll is how often the directory file is looked at. Looking works on every file system and
// with every editor's way to replace a file.
const filePoll = 500 * time.Millisecond

// fileWatch calls back when a file has changed and has kept still since the last look.
type fileWatch struct {
	path   string
	change func(context.Context)
	seen   os.FileInfo
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

func newFileWatch(path string, change func(context.Context)) *fileWatch {
	info, _ := os.Stat(path)
	return &fileWatch{path: path, change: change, seen: info}
}

func (w *fileWatch) start() {
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	w.wg.Go(func() {
		tick := time.NewTicker(filePoll)
		defer tick.Stop()
		var before os.FileInfo
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			now, err := os.Stat(w.path)
			if err != nil || same(now, w.seen) {
				before = nil
				continue
			}
			if same(now, before) { // it is not being written any more
				w.seen = now
				w.change(ctx)
			}
			before = now
		}
	})
}

func (w *fileWatch) stop(context.Context) error {
	w.cancel()
	w.wg.Wait()
	return nil
}

func same(a, b os.FileInfo) bool {
	return a != nil && b != nil && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size() && os.SameFile(a, b)
}
