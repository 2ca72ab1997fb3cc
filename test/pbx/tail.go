package pbx

import (
	"fmt"
	"os"
	"strings"
)

// Tail gives the last lines of a file, from an offset in bytes on.
func Tail(path string, from int64, lines int) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Sprintf("(%v)", err)
	}
	if from > 0 && from <= int64(len(raw)) {
		raw = raw[from:]
	}
	all := strings.Split(strings.TrimRight(string(raw), "\n"), "\n")
	if n := len(all) - lines; n > 0 {
		all = append([]string{fmt.Sprintf("… %d lines left out", n)}, all[n:]...)
	}
	return strings.Join(all, "\n")
}
