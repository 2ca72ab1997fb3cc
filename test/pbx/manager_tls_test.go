package pbx_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/ringside-pbx/ringside/test/pbx"
)

func TestManagerOverTLS(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		raw, err := os.ReadFile(s.CertFile())
		s.must(err)
		block, _ := pem.Decode(raw)
		sum := sha256.Sum256(block.Bytes)
		pin := hex.EncodeToString(sum[:])
		for _, tc := range []struct{ name, config, fails string }{
			{"with its CA", "ca_file: " + s.CertFile(), ""},
			{"with a pinned certificate", "pin: " + pin, ""},
			{"with the secret itself", "plain: true, pin: " + pin, ""},
			{"with another certificate", "pin: " + strings.Repeat("00", 32), "not the pinned one"},
			{"with the system's authorities", "plain: false", "certificate"},
		} {
			t.Run(tc.name, func(t *testing.T) {
				s.ringsideWith(pbx.DaemonOptions{
					Directory: phones(),
					Config:    fmt.Sprintf("ami: {address: '127.0.0.1:%d', secret: secret, tls: true, %s}\n", s.AMITLS, tc.config),
				})
				defer func() { s.must(s.daemon.Kill()) }()
				if tc.fails != "" {
					s.refuses(tc.fails, "ami", "test")
					return
				}
				if out := s.say("ami", "test"); !strings.Contains(out, "(TLS)") || !strings.Contains(out, "healthy") {
					t.Errorf("it said %s", out)
				}
			})
		}
	})
}

func TestManagerThatRefusesTheSecret(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		for _, how := range []string{"plain: true", "plain: false"} {
			s.ringsideWith(pbx.DaemonOptions{
				Directory: phones(),
				Config:    fmt.Sprintf("ami: {address: '127.0.0.1:%d', secret: wrong, %s}\n", s.AMI, how),
			})
			s.refuses("refuses the manager user or its secret: Authentication failed", "ami", "test")
			s.must(s.daemon.Kill())
		}
	})
}
