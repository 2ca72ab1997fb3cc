package signature

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
)

var (
	secret = ringside.NewSecret("a shared secret")
	at     = time.Unix(1_800_000_000, 0)
)

func TestAKnownSignature(t *testing.T) {
	// printf '1800000000.POST./ringside/v1/calls.%s' "$(printf '{}' | sha256sum | cut -d' ' -f1)" |
	//   openssl dgst -sha256 -hmac 'a shared secret'
	stamp, sum := Sign(secret, at, "POST", "/ringside/v1/calls", []byte("{}"))
	if stamp != "1800000000" || sum != "v1=d0837c1609c9716a15b119b3e2e785424b20172575dbde22d18d5474c31a4698" {
		t.Errorf("%s %s", stamp, sum)
	}
}

func TestASignatureIsGoodForItsRequestOnly(t *testing.T) {
	stamp, sum := Sign(secret, at, "PUT", "/api/v1/config?force=1", []byte("{}"))
	_, foreign := Sign(ringside.NewSecret("another secret"), at, "PUT", "/api/v1/config?force=1", []byte("{}"))
	for _, tc := range []struct {
		name, stamp, sum, method, path, body string
		clock                                time.Duration
		want                                 error
	}{
		{"as it was signed", stamp, sum, "PUT", "/api/v1/config?force=1", "{}", 0, nil},
		{"at the window's edge", stamp, sum, "PUT", "/api/v1/config?force=1", "{}", Window, nil},
		{"at the other edge", stamp, sum, "PUT", "/api/v1/config?force=1", "{}", -Window, nil},
		{"late", stamp, sum, "PUT", "/api/v1/config?force=1", "{}", Window + time.Second, ErrTime},
		{"early", stamp, sum, "PUT", "/api/v1/config?force=1", "{}", -Window - time.Second, ErrTime},
		{"another method", stamp, sum, "POST", "/api/v1/config?force=1", "{}", 0, ErrWrong},
		{"another query", stamp, sum, "PUT", "/api/v1/config?force=0", "{}", 0, ErrWrong},
		{"another body", stamp, sum, "PUT", "/api/v1/config?force=1", "{ }", 0, ErrWrong},
		{"another time", "1800000001", sum, "PUT", "/api/v1/config?force=1", "{}", 0, ErrWrong},
		{"a boundary moved", stamp, sum, "PUT./api/v1", "/config?force=1", "{}", 0, ErrFormat},
		{"another secret", stamp, foreign, "PUT", "/api/v1/config?force=1", "{}", 0, ErrWrong},
		{"no timestamp", "", sum, "PUT", "/", "", 0, ErrMissing},
		{"no signature", stamp, "", "PUT", "/", "", 0, ErrMissing},
		{"another version", stamp, "v2=" + sum[3:], "PUT", "/", "", 0, ErrFormat},
		{"raw", stamp, sum[3:], "PUT", "/", "", 0, ErrFormat},
		{"half", stamp, sum[:20], "PUT", "/", "", 0, ErrFormat},
		{"no hex", stamp, "v1=" + strings.Repeat("z", 64), "PUT", "/", "", 0, ErrFormat},
		{"a padded time", "0" + stamp, sum, "PUT", "/", "", 0, ErrFormat},
		{"no time", "now", sum, "PUT", "/", "", 0, ErrFormat},
		{"an absurd time", "99999999999999999999", sum, "PUT", "/", "", 0, ErrFormat},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := NewVerifier(secret).Verify(at.Add(tc.clock), tc.stamp, tc.sum, tc.method, tc.path, []byte(tc.body))
			if !errors.Is(err, tc.want) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestRequestsOfOneSecondAreToldApart(t *testing.T) {
	v := NewVerifier(secret)
	for _, tc := range []struct {
		after time.Duration
		stamp string
		want  error
	}{
		{time.Nanosecond, "1800000000.000000001", nil},
		{time.Millisecond, "1800000000.001000000", nil},
		{0, "1800000000", nil},
		{time.Millisecond, "1800000000.001000000", ErrSeen},
	} {
		stamp, sum := Sign(secret, at.Add(tc.after), "GET", "/config?wait=30", nil)
		if err := v.Verify(at, stamp, sum, "GET", "/config?wait=30", nil); stamp != tc.stamp || !errors.Is(err, tc.want) {
			t.Errorf("%s: %s, %v", tc.after, stamp, err)
		}
	}
}

func TestATimeWithDecimals(t *testing.T) {
	for _, tc := range []struct {
		stamp string
		clock time.Duration
		want  error
	}{
		{"1800000000.5", 0, nil},
		{"1800000000.123456789", 0, nil},
		{"1800000000.5", Window + 500*time.Millisecond, nil},
		{"1800000000.5", Window + 501*time.Millisecond, ErrTime},
		{"1800000000.5", -Window + 499*time.Millisecond, ErrTime},
		{"1800000000.", 0, ErrFormat},
		{"1800000000.1234567890", 0, ErrFormat},
		{"1800000000.5.5", 0, ErrFormat},
		{"1800000000.-5", 0, ErrFormat},
		{".5", 0, ErrFormat},
		{"1.8e9", 0, ErrFormat},
	} {
		sum := version + hex.EncodeToString(sum(secret, tc.stamp, "GET", "/", nil))
		if err := NewVerifier(secret).Verify(at.Add(tc.clock), tc.stamp, sum, "GET", "/", nil); !errors.Is(err, tc.want) {
			t.Errorf("%s %s after: %v", tc.stamp, tc.clock, err)
		}
	}
}

func TestNothingMovesOverABoundary(t *testing.T) {
	// The same text is signed for all of them.
	for _, tc := range []struct{ stamp, method, path string }{
		{"1800000000", "5.GET", "/"},
		{"1800000000", "GET./x", "/"},
		{"1800000000", "", "GET./"},
		{"1800000000.5.GET", "", "/"},
	} {
		sum := version + hex.EncodeToString(sum(secret, tc.stamp, tc.method, tc.path, nil))
		if err := NewVerifier(secret).Verify(at, tc.stamp, sum, tc.method, tc.path, nil); !errors.Is(err, ErrFormat) {
			t.Errorf("%+v: %v", tc, err)
		}
	}
}

func TestNothingIsGoodForAnEmptySecret(t *testing.T) {
	stamp, sum := Sign(ringside.Secret{}, at, "GET", "/", nil)
	if err := NewVerifier(ringside.Secret{}).Verify(at, stamp, sum, "GET", "/", nil); err == nil {
		t.Error("an empty secret opens the door")
	}
}

func TestASignatureIsGoodOnce(t *testing.T) {
	v := NewVerifier(secret)
	stamp, sum := Sign(secret, at, "GET", "/", nil)
	check := func(clock time.Time, want error) {
		t.Helper()
		if err := v.Verify(clock, stamp, sum, "GET", "/", nil); !errors.Is(err, want) {
			t.Errorf("%s after: %v", clock.Sub(at), err)
		}
	}
	check(at.Add(-Window), nil)
	for _, later := range []time.Duration{-Window, 0, time.Minute, Window} {
		check(at.Add(later), ErrSeen)
		// Others keep the memory turning.
		s, m := Sign(secret, at.Add(later), "GET", "/other", nil)
		if err := v.Verify(at.Add(later), s, m, "GET", "/other", nil); err != nil {
			t.Error(err)
		}
	}
	check(at.Add(3*Window), ErrTime)
}

func TestTheMemoryIsBounded(t *testing.T) {
	v := NewVerifier(secret)
	var last error
	n := 0
	for ; last == nil && n <= maxSeen; n++ {
		s, m := Sign(secret, at, "GET", "/?"+strings.Repeat("x", n%7)+time.Duration(n).String(), nil)
		last = v.Verify(at, s, m, "GET", "/?"+strings.Repeat("x", n%7)+time.Duration(n).String(), nil)
	}
	if !errors.Is(last, ErrCrowd) || n != maxSeen+1 {
		t.Errorf("after %d: %v", n, last)
	}
	s, m := Sign(secret, at.Add(3*Window), "GET", "/", nil)
	if err := v.Verify(at.Add(3*Window), s, m, "GET", "/", nil); err != nil {
		t.Errorf("later: %v", err)
	}
}
