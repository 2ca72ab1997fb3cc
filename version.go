package ringside

import (
	"cmp"
	"math/big"
	"strings"
	"time"
)

// CompareVersions puts two versions of a directory in order. known is false if they can't be: only
// two whole numbers, or two times (RFC 3339), have an order; equal texts are equal.
func CompareVersions(a, b string) (order int, known bool) {
	if a == b {
		return 0, true
	}
	if x, y := wholeVersion(a), wholeVersion(b); x != nil && y != nil {
		return x.Cmp(y), true
	}
	x, errX := time.Parse(time.RFC3339Nano, a)
	y, errY := time.Parse(time.RFC3339Nano, b)
	if errX == nil && errY == nil {
		return x.Compare(y), true
	}
	return cmp.Compare(a, b), false
}

func wholeVersion(s string) *big.Int {
	if s == "" || len(s) > 100 || strings.Trim(s, "0123456789") != "" {
		return nil
	}
	n, _ := new(big.Int).SetString(s, 10)
	return n
}

// NextVersion is a version that comes after v: the next whole number, else the time.
func NextVersion(v string, now time.Time) string {
	if n := wholeVersion(v); n != nil {
		return n.Add(n, big.NewInt(1)).String()
	}
	return now.UTC().Format(time.RFC3339Nano)
}
