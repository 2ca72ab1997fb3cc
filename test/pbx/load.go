package pbx

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// LoadSpec is a stream of equal calls from FromPlain.
type LoadSpec struct {
	To    string
	Rate  int // calls per second
	Calls int
	Talk  time.Duration
}

// LoadResult is what came of it.
type LoadResult struct {
	// Answered are the times from INVITE to 200, sorted.
	Answered []time.Duration
	// Failed are the calls that were not answered, Resent the INVITEs that were sent again.
	Failed, Resent int
}

// Percentile is the answer time that p (0 to 1) of the answered calls stay within.
func (r LoadResult) Percentile(p float64) time.Duration {
	if len(r.Answered) == 0 {
		return 0
	}
	return r.Answered[min(len(r.Answered)-1, int(p*float64(len(r.Answered))))]
}

// Load makes the calls and waits for the last one's end.
func (a *Asterisk) Load(dir, name string, spec LoadSpec) (LoadResult, error) {
	port, err := a.ports.free(FromPlain)
	if err != nil {
		return LoadResult{}, fmt.Errorf("load: %w", err)
	}
	sipp, err := SIPp()
	if err != nil {
		return LoadResult{}, err
	}
	file, trace := filepath.Join(dir, name+".xml"), filepath.Join(dir, name+".short")
	if err := render(scenarios, "sipp/load.xml", file, spec); err != nil {
		return LoadResult{}, err
	}
	// SIPp's own clock has steps of 4 ms; the message trace has microseconds.
	p, err := startProcess(dir, filepath.Join(dir, name+".out"), nil, sipp,
		"-sf", file, "-i", FromPlain, "-mi", FromPlain, "-ci", FromPlain, "-p", fmt.Sprint(port), "-nostdin",
		"-m", fmt.Sprint(spec.Calls), "-r", fmt.Sprint(spec.Rate), "-l", "20000", "-recv_timeout", "20000",
		"-buff_size", "4194304", "-trace_shortmsg", "-shortmessage_file", trace, fmt.Sprintf("127.0.0.1:%d", a.Port))
	if err != nil {
		return LoadResult{}, err
	}
	limit := time.Duration(spec.Calls/spec.Rate)*time.Second + spec.Talk + time.Minute
	if err := p.Wait(limit); p.Running() {
		_ = p.Kill()
		return LoadResult{}, fmt.Errorf("load: %w", err)
	}
	r, err := readLoad(trace)
	r.Failed = spec.Calls - len(r.Answered)
	return r, err
}

// LoadPhone starts a phone that answers any number of calls at once and keeps no log.
func (a *Asterisk) LoadPhone(dir, number string) (*Phone, error) {
	return a.startPhone(dir, number, Manner{}, false)
}

// readLoad reads a -trace_shortmsg log: date, time, epoch, S or R, Call-ID, CSeq, start line.
func readLoad(path string) (LoadResult, error) {
	f, err := os.Open(path)
	if err != nil {
		return LoadResult{}, fmt.Errorf("read the load's trace: %w", err)
	}
	defer f.Close()
	var r LoadResult
	began := map[string]float64{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		col := strings.Split(lines.Text(), "\t")
		if len(col) < 7 || col[5] != "CSeq:1 INVITE" {
			continue
		}
		at, err := strconv.ParseFloat(col[2], 64)
		if err != nil {
			return r, fmt.Errorf("read the load's trace: %q", lines.Text())
		}
		from, known := began[col[4]]
		switch {
		case col[3] == "S" && strings.HasPrefix(col[6], "INVITE"):
			if known {
				r.Resent++
				continue
			}
			began[col[4]] = at
		case strings.HasPrefix(col[6], "SIP/2.0 200") && from > 0:
			r.Answered = append(r.Answered, time.Duration((at-from)*1e6)*time.Microsecond)
			began[col[4]] = -1
		}
	}
	slices.Sort(r.Answered)
	return r, lines.Err()
}
