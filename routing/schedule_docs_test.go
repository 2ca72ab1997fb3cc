package routing

import (
	"os"
	"strings"
	"testing"
)

// Every example of the page on time conditions is read, or refused, as the page says.
func TestTheExamplesOfTheDocumentationAreTrue(t *testing.T) {
	page, err := os.ReadFile("../docs/time-conditions.md")
	if err != nil {
		t.Fatal(err)
	}
	block, found := "", 0
	for line := range strings.Lines(string(page)) {
		line = strings.TrimSpace(line)
		if fence, ok := strings.CutPrefix(line, "```"); ok {
			block = fence
			continue
		}
		switch _, err := parseSchedule(line); {
		case block == "":
			continue
		case block == "condition" && err != nil:
			t.Errorf("%q is refused: %v", line, err)
		case block == "refused" && err == nil:
			t.Errorf("%q is taken", line)
		}
		found++
	}
	if found < 20 {
		t.Errorf("only %d examples were found", found)
	}
}
