package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/ringside-pbx/ringside/esl/plan"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/routing"
)

// dialplanWriter keeps FreeSWITCH's dialplan as the directory is: in memory for mod_xml_curl, and in a file.
type dialplanWriter struct {
	cfg   *Config
	log   *slog.Logger
	board interface{ Directory() *routing.Compiled }
	pages *plan.Pages // nil if nothing is served
	// wake has room for one: what has changed meanwhile is written once.
	wake chan struct{}

	mu     sync.Mutex
	reload func(context.Context) error
}

// reloadAgain is how long it takes until FreeSWITCH is told again of a file that it could not be told of.
const reloadAgain = 30 * time.Second

// newDialplanWriter gives nil if neither a file nor pages are wanted.
func newDialplanWriter(cfg *Config, log *slog.Logger) *dialplanWriter {
	if cfg.dialplan().File == "" && !cfg.dialplan().Serve {
		return nil
	}
	return &dialplanWriter{cfg: cfg, log: log, wake: make(chan struct{}, 1)}
}

// changed says that the directory is another one. It never waits.
func (w *dialplanWriter) changed() {
	if w == nil {
		return
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// afterWriting sets what makes FreeSWITCH read the file; nil does nothing. A file that was written before is told
// of, too.
func (w *dialplanWriter) afterWriting(reload func(context.Context) error) {
	if w == nil {
		return
	}
	w.mu.Lock()
	w.reload = reload
	w.mu.Unlock()
	w.changed()
}

// start writes until what it returns is called.
func (w *dialplanWriter) start() (stop func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { w.run(ctx) })
	w.changed()
	return func(context.Context) error {
		cancel()
		wg.Wait()
		return nil
	}
}

func (w *dialplanWriter) run(ctx context.Context) {
	untold := false // FreeSWITCH has not read the file yet
	var again <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
			untold = w.render(ctx) || untold
		case <-again:
		}
		again = nil
		if !untold {
			continue
		}
		told, err := w.tell(ctx)
		untold = !told
		if err != nil && ctx.Err() == nil {
			w.log.Warn("FreeSWITCH can't be told of its new dialplan, and will be told again", "file", w.cfg.dialplan().File, "error", err)
			again = time.After(reloadAgain)
		}
	}
}

// tell makes FreeSWITCH read the file; told is false also if there is nobody to do that yet.
func (w *dialplanWriter) tell(ctx context.Context) (told bool, err error) {
	w.mu.Lock()
	reload := w.reload
	w.mu.Unlock()
	if reload == nil {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, reloadAgain)
	defer cancel()
	err = reload(ctx)
	return err == nil, err
}

// render writes the directory in effect; it reports whether the file is another one now. What can't be written leaves
// the last good one.
func (w *dialplanWriter) render(ctx context.Context) (written bool) {
	dir := w.board.Directory()
	if dir == nil {
		return false
	}
	out := dir.Outline()
	text, problems, err := w.cfg.freeswitch().Static(&out)
	if err != nil {
		w.log.Error("the directory can't be written as FreeSWITCH's dialplan: the last one stays", "version", out.Version, "error", err)
		return false
	}
	w.complain(ctx, problems)
	if w.pages != nil {
		w.pages.SetStatic(text)
	}
	file := w.cfg.dialplan().File
	if file == "" {
		return false
	}
	switch written, err = writeIfOther(file, plan.File(text)); {
	case err != nil:
		w.log.Error("FreeSWITCH's dialplan can't be written: the last one stays", "file", file, "error", err)
	case written:
		w.log.Info("FreeSWITCH's dialplan was written", "file", file, "version", out.Version)
	}
	return written
}

// mostProblems is how many problems are named in the log.
const mostProblems = 20

// complain logs what FreeSWITCH can't do.
func (w *dialplanWriter) complain(ctx context.Context, problems []ringside.Problem) {
	for _, p := range problems[:min(len(problems), mostProblems)] {
		level := slog.LevelInfo
		if p.Severity == ringside.Faulty {
			level = slog.LevelWarn
		}
		w.log.Log(ctx, level, "FreeSWITCH's dialplan is not all that the directory says", "problem", printable(p.String()))
	}
	if more := len(problems) - mostProblems; more > 0 {
		w.log.Warn("FreeSWITCH's dialplan has more such problems", "more", more, "hint", "'ringside dialplan freeswitch --static' names all")
	}
}
