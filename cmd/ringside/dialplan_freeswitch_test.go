package main

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ringside-pbx/ringside/esl/plan"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/routing"
)

func isXML(t *testing.T, text string) {
	t.Helper()
	dec := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
	}
}

func TestFreeSWITCHsDialplanIsPrinted(t *testing.T) {
	demo := filepath.Join("..", "..", "configs", "demo-directory.yaml")
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"the hand-over":       {nil, []string{`data="127.0.0.1:8084 async full"`, `data="user/100"`, `<context name="ringside">`, "RINGSIDE_RESULT"}},
		"with all flags":      {[]string{"--fallback", "user/7,user/8", "--listen", "10.0.0.1:99", "--context", "in"}, []string{"10.0.0.1:99 async full", "user/7,user/8", "execute_extension\" data=\"ringside-after XML in"}},
		"the rules":           {[]string{"--static", "--directory", demo}, []string{"rule 2 Closed", "tod_tz_offset=3", "user/201,user/202", "user/101|user/102|user/103", "default ${domain} 110"}},
		"the rules' own fall": {[]string{"--static", "--directory", demo, "--fallback", "user/9"}, []string{`data="user/9"`}},
	} {
		t.Run(name, func(t *testing.T) {
			out, errOut, code := runCLI(t, append([]string{"dialplan", "freeswitch"}, c.args...)...)
			if code != 0 {
				t.Fatalf("exit %d: %s", code, errOut)
			}
			isXML(t, out)
			for _, want := range c.want {
				if !strings.Contains(out, want) {
					t.Errorf("%q is not in\n%s", want, out)
				}
			}
		})
	}
	_, errOut, _ := runCLI(t, "dialplan", "freeswitch", "--static", "--directory", demo)
	if !strings.Contains(errOut, `group 1 "Sales": nobody waits in a queue`) {
		t.Errorf("what FreeSWITCH can't do is not said: %s", errOut)
	}
}

func TestFreeSWITCHsDialplanIsRefused(t *testing.T) {
	bad := writeFile(t, "bad.yaml", "rules: 5\n")
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"a fallback with an expansion": {[]string{"--fallback", "user/${x}"}, exitUsage, "--fallback"},
		"a fallback with a line":       {[]string{"--fallback", "user/1\n<x/>"}, exitUsage, "--fallback"},
		"an address that is none":      {[]string{"--listen", "here"}, exitUsage, "--listen"},
		"a context that is none":       {[]string{"--context", `a"b`}, exitUsage, "--context"},
		"a directory without rules":    {[]string{"--directory", bad}, exitUsage, "--static"},
		"a directory that is none":     {[]string{"--static", "--directory", bad}, exitUsage, "rules"},
		"a file that is not there":     {[]string{"--static", "--directory", bad + "x"}, exitUsage, "no such file"},
		"no daemon":                    {[]string{"--static", "--socket", filepath.Join(t.TempDir(), "s")}, exitNoDaemon, "no running ringside"},
		"an unknown flag":              {[]string{"--statics"}, exitUsage, "--statics"},
	} {
		out, errOut, code := runCLI(t, append([]string{"dialplan", "freeswitch"}, c.args...)...)
		if code != c.code || !strings.Contains(errOut, c.want) || out != "" {
			t.Errorf("%s: exit %d, want %d and %q in %q (%q)", name, code, c.code, c.want, errOut, out)
		}
	}
	for key, text := range map[string]string{
		"esl.dialplan.context": "esl: {dialplan: {context: 'a b'}}\n", "esl.dialplan.file": "esl: {dialplan: {file: dialplan.conf}}\n",
		"esl.dialplan.serve": "http: {listen: ''}\nesl: {dialplan: {serve: true}}\n", "esl.dialplan.allow[0]": "esl: {dialplan: {allow: [x]}}\n",
		"esl.dialplan.fallback": "esl: {dialplan: {fallback: 'x y'}}\n",
	} {
		_, errOut, code := runCLI(t, "dialplan", "freeswitch", "--config", writeFile(t, "ringside.yaml", text))
		if code != exitUsage || !strings.Contains(errOut, key+":") {
			t.Errorf("%s: exit %d: %s", key, code, errOut)
		}
	}
}

func TestFreeSWITCHsDialplanFollowsTheDirectory(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "ringside.xml")
	r := startDaemon(t, "esl: {listen: off, dialplan: {file: '"+file+"', serve: true}}\n", "--demo")
	has := func(text string) func() bool {
		return func() bool {
			b, err := os.ReadFile(file)
			return err == nil && strings.Contains(string(b), text)
		}
	}
	r.poll("the first file", has("rule 2 Closed"))
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("the file: %v, %v", info.Mode(), err)
	}
	out := r.want("rule 2 Closed", "dialplan", "freeswitch", "--static")
	if b, _ := os.ReadFile(file); string(b) != out {
		t.Error("the file is not what the command prints")
	}
	r.want("", "directory", "set", "rule", "2", `name="After <hours>"`)
	r.poll("the file after an edit", has("rule 2 After &lt;hours&gt;"))

	addr := regexp.MustCompile(`http=(\S+)`).FindStringSubmatch(r.log.String())[1]
	ask := func(context, query string) string {
		res, err := http.PostForm("http://"+addr+"/freeswitch/dialplan"+query, url.Values{"section": {"dialplan"}, "Hunt-Context": {context}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		b, _ := io.ReadAll(res.Body)
		return string(b)
	}
	for text, want := range map[string]string{
		ask("ringside", ""): "After &lt;hours&gt;", ask("ringside", "?mode=socket"): "async full", ask("other", ""): "not found",
	} {
		if isXML(t, text); !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(folder, ".*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	res, err := http.Get("http://" + addr + "/healthz")
	if err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("health beside the dialplan: %v %v", res, err)
	}
	if err == nil {
		_ = res.Body.Close()
	}
	http.DefaultClient.CloseIdleConnections()
}

type fixedBoard struct {
	dir atomic.Pointer[routing.Compiled]
}

func (b *fixedBoard) Directory() *routing.Compiled { return b.dir.Load() }

func TestTheDialplanIsWrittenOnceAndKept(t *testing.T) {
	board := &fixedBoard{}
	cfg := DefaultConfig()
	cfg.dialplan().File = filepath.Join(t.TempDir(), "ringside.xml")
	w := newDialplanWriter(cfg, slog.New(slog.DiscardHandler))
	w.board, w.pages = board, &plan.Pages{}
	ctx := context.Background()
	if w.render(ctx) {
		t.Error("a dialplan was written without a directory")
	}
	dir, _ := routing.Compile(ringside.Directory{Version: "1"})
	board.dir.Store(dir)
	if !w.render(ctx) || w.render(ctx) {
		t.Error("it is written once")
	}
	good, err := os.ReadFile(cfg.dialplan().File)
	if err != nil {
		t.Fatal(err)
	}
	cfg.ESL.Dial.Extension = "user/${number}${number}" // what no extension can be written with
	dir, _ = routing.Compile(ringside.Directory{Version: "2", Numbers: []ringside.Extension{{ID: 1, Number: "101", Active: true}}})
	board.dir.Store(dir)
	if w.render(ctx) {
		t.Error("what can't be written was written")
	}
	if now, _ := os.ReadFile(cfg.dialplan().File); string(now) != string(good) {
		t.Error("the last good file is gone")
	}
	cfg.ESL.Dial.Extension = "user/${number}"
	cfg.dialplan().File = filepath.Join(t.TempDir(), "missing", "ringside.xml")
	if w.render(ctx) {
		t.Error("a file in no folder was written")
	}
}

func TestFreeSWITCHIsToldOfItsDialplan(t *testing.T) {
	board := &fixedBoard{}
	dir, _ := routing.Compile(ringside.Directory{Version: "1"})
	board.dir.Store(dir)
	cfg := DefaultConfig()
	cfg.dialplan().File = filepath.Join(t.TempDir(), "ringside.xml")
	w := newDialplanWriter(cfg, slog.New(slog.DiscardHandler))
	w.board = board
	told := make(chan string, 10)
	w.afterWriting(func(context.Context) error {
		b, err := os.ReadFile(cfg.dialplan().File)
		told <- string(b)
		return err
	})
	stop := w.start()
	if text := <-told; !strings.Contains(text, "version 1 of") {
		t.Errorf("FreeSWITCH was told before the file was there: %s", text)
	}
	dir, _ = routing.Compile(ringside.Directory{Version: "2"})
	board.dir.Store(dir)
	w.changed()
	if text := <-told; !strings.Contains(text, "version 2 of") {
		t.Errorf("FreeSWITCH was told of the old file: %s", text)
	}
	w.changed() // nothing has changed
	if err := stop(context.Background()); err != nil || len(told) > 0 {
		t.Errorf("%v, told %d times too often", err, len(told))
	}
	var none *dialplanWriter
	none.changed()
	none.afterWriting(nil)
}
