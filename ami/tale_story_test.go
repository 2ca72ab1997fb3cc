package ami

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
)

// phones are the extensions of the tests: 100 to 199 on PJSIP.
func phones(device string) string {
	if n, ok := strings.CutPrefix(device, "PJSIP/"); ok && len(n) == 3 && n[0] == '1' {
		return n
	}
	return ""
}

// began is when the stories begin.
var began = time.Unix(1795548841, 0)

// replay plays a recording and gives the calls as they ended.
func replay(t *testing.T, version, name string) (*tales, []ringside.Witnessed) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "recorded", version, name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	calls := newTales(phones)
	feed(calls, raw)
	return calls, drain(calls)
}

// feed plays bytes as they come from Asterisk.
func feed(calls *tales, raw []byte) {
	in := newFramer(bytes.NewReader(raw))
	_, _ = in.banner()
	now := began
	for {
		m, err := in.next()
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				panic(err)
			}
			return
		}
		if m.Event() == "" || m.Has("ActionID") {
			continue // an answer, or an item of one
		}
		now = occurred(m, now)
		calls.event(m.find("Event"), m, now)
	}
}

// drain gives all that is over.
func drain(calls *tales) (all []ringside.Witnessed) {
	for {
		c, _ := calls.next(time.Time{}, true)
		if c == nil {
			return all
		}
		if w, ok := c.record(calls.number); ok {
			all = append(all, w)
		}
	}
}

// telling writes calls down briefly: times in seconds from the call's beginning, Asterisk's ids as
// letters and its numbers of rows as #1, #2, in their order.
func telling(all []ringside.Witnessed) string {
	var b strings.Builder
	for _, w := range all {
		b.WriteString(tell(w))
	}
	return b.String()
}

func tell(w ringside.Witnessed) string {
	var b strings.Builder
	since := func(at time.Time) string {
		if at.IsZero() {
			return "-"
		}
		return fmt.Sprintf("%.1f", at.Sub(w.Start).Seconds())
	}
	fmt.Fprintf(&b, "%s (%s) %s %q calls %s: %s, answered %s, over %s, cause %d",
		w.Channel[:strings.LastIndex(w.Channel, "-")+1], w.Endpoint, w.Caller, w.CallerName, w.Called, w.Status, since(w.Answer), since(w.End), w.Cause)
	if w.Outside {
		b.WriteString(", outside")
	}
	if w.Recording != "" {
		fmt.Fprintf(&b, ", recorded to %s", w.Recording)
	}
	if w.CRMID != "" {
		fmt.Fprintf(&b, ", CRM %s", w.CRMID)
	}
	b.WriteByte('\n')
	ids, rows := []string{w.CallID}, []string{}
	for _, l := range w.Legs {
		id, row, _ := strings.Cut(l.PBXKey, "/")
		ids = append(ids, id)
		if strings.Trim(row, "0123456789") == "" {
			rows = append(rows, fmt.Sprintf("%08s", row))
		}
	}
	slices.Sort(rows)
	slices.SortFunc(ids[1:], func(a, b string) int { return strings.Compare(pad(a), pad(b)) })
	ids = append(ids[:1], slices.DeleteFunc(ids[1:], func(id string) bool { return id == ids[0] })...)
	ids = slices.Compact(ids)
	for _, l := range w.Legs {
		id, row, _ := strings.Cut(l.PBXKey, "/")
		if i := slices.Index(rows, fmt.Sprintf("%08s", row)); i >= 0 {
			row = fmt.Sprintf("#%d", i+1)
		}
		fmt.Fprintf(&b, "  %s/%s %s %s: %s", string(rune('A'+slices.Index(ids, id))), row, l.Kind, strings.Join(l.Targets, "+"), l.Result)
		if l.Answered != "" {
			fmt.Fprintf(&b, " by %s", l.Answered)
		}
		fmt.Fprintf(&b, ", %s %s %s", since(l.Start), since(l.Answer), since(l.End))
		if l.Cause != 0 {
			fmt.Fprintf(&b, ", cause %d", l.Cause)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// pad makes ids sort by their number.
func pad(id string) string {
	i := strings.LastIndexByte(id, '.')
	return fmt.Sprintf("%s%08s", id[:max(i, 0)], id[i+1:])
}
