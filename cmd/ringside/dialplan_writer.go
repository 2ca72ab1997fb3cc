package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/esl"
	"github.com/ringside-pbx/ringside/routing"
)

// dialplanWriter keeps FreeSWITCH's dialplan as the directory is: in memory for mod_xml_curl, and in a file.
type dialplanWriter struct {
	cfg   *Config
	log   *slog.Logger
	board interface{ Directory() *routing.Compiled }
	pages *esl.Pages // nil if nothing is served
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

// afterWriting sets what makes FreeSWITCH read the file; nil does nothing.
func (w *dialplanWriter) afterWriting(reload func(context.Context) error) {
	if w == nil {
		return
	}
	w.mu.Lock()
	w.reload = reload
	w.mu.Unlock()
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
	var again <-chan time.Time // FreeSWITCH has not read the file yet
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
			if !w.render(ctx) {
				continue
			}
		case <-again:
		}
		again = nil
		if err := w.tell(ctx); err != nil && ctx.Err() == nil {
			w.log.Warn("FreeSWITCH can't be told of its new dialplan, and will be told again", "file", w.cfg.dialplan().File, "error", err)
			again = time.After(reloadAgain)
		}
	}
}

func (w *dialplanWriter) tell(ctx context.Context) error {
	w.mu.Lock()
	reload := w.reload
	w.mu.Unlock()
	if reload == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, reloadAgain)
	defer cancel()
	return reload(ctx)
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
	switch written, err = writeIfOther(file, esl.File(text)); {
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
