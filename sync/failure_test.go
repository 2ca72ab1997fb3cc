package sync

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// TestEveryStatusHasItsTreatment holds docs/crm-link.md to the code: its table has a row for every
// HTTP status, or a range, and says what is done about it.
func TestEveryStatusHasItsTreatment(t *testing.T) {
	text, err := os.ReadFile("../docs/crm-link.md")
	if err != nil {
		t.Fatal(err)
	}
	type row struct{ from, to int }
	documented := map[row][2]string{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) < 5 {
			continue
		}
		for one := range strings.SplitSeq(strings.TrimSpace(cells[1]), ",") {
			var r row
			one = strings.TrimSpace(one)
			if n, _ := fmt.Sscanf(one, "%d–%d", &r.from, &r.to); n == 1 {
				r.to = r.from
			} else if n != 2 {
				continue
			}
			documented[r] = [2]string{strings.Trim(strings.TrimSpace(cells[2]), "`"), strings.Trim(strings.TrimSpace(cells[3]), "`")}
		}
	}
	if len(documented) < 15 {
		t.Fatalf("the table has only %d rows", len(documented))
	}
	lookup := func(status int) (want [2]string) {
		width := 1 << 30
		for r, treatment := range documented {
			if status >= r.from && status <= r.to && r.to-r.from < width {
				want, width = treatment, r.to-r.from
			}
		}
		return want
	}
	for status := 300; status < 600; status++ {
		want := lookup(status)
		if got := string(judge(status, true)); got != want[0] {
			t.Errorf("%d from the CRM: the table says %q, the code %q", status, want[0], got)
		}
		if got := string(judge(status, false)); got != want[1] {
			t.Errorf("%d from somebody else: the table says %q, the code %q", status, want[1], got)
		}
	}
}

func TestRetryAfterIsReadInBothForms(t *testing.T) {
	now := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "3": 3 * time.Second, "-1": 0, "soon": 0, "99999999999999": 0,
		"Tue, 24 Nov 2026 10:02:00 GMT": 2 * time.Minute, "Tue, 24 Nov 2026 09:00:00 GMT": 0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
}

func TestTextOfOthersIsFitForOneLine(t *testing.T) {
	for in, want := range map[string]string{
		"a\r\nb\x00c": "a  b c", "\x1b[31mred": " [31mred", "\xff": "?", "я\u2028б": "я б", "a\u202e1.0\u2066b": "a 1.0 b", strings.Repeat("x", 400): strings.Repeat("x", 300) + "…",
	} {
		if got := spoken(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}
