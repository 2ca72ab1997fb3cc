// Package trust makes TLS configurations of what an operator writes: a CA, a pinned certificate, a
// certificate of this side. It owns nothing, and its errors name the setting that is wrong.
package trust

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
)

// ErrPin says that the other side has shown another certificate than the pinned one.
var ErrPin = errors.New("the certificate is not the pinned one")

// TLS says whom to trust and as whom to appear.
type TLS struct {
	// CAFile holds the PEM certificates that are trusted in place of the system's.
	CAFile string
	// Pin is the SHA-256 of the other side's certificate in hex, colons allowed: with it, that one
	// certificate is trusted and no other, whoever signed it.
	Pin string
	// CertFile and KeyFile are this side's, for mutual TLS.
	CertFile, KeyFile string
}

// Config makes what crypto/tls needs. Its errors name the setting.
func (t TLS) Config() (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("ca_file: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca_file: %s holds no PEM certificate", t.CAFile)
		}
	}
	if t.CertFile != "" || t.KeyFile != "" {
		cert, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("cert_file, key_file: %w", err)
		}
		conf.Certificates = []tls.Certificate{cert}
	}
	if t.Pin != "" {
		pin, err := parsePin(t.Pin)
		if err != nil {
			return nil, fmt.Errorf("pin: %w", err)
		}
		conf.InsecureSkipVerify = true
		conf.VerifyConnection = func(s tls.ConnectionState) error {
			sum := sha256.Sum256(s.PeerCertificates[0].Raw)
			if subtle.ConstantTimeCompare(sum[:], pin) != 1 {
				return ErrPin
			}
			return nil
		}
	}
	return conf, nil
}

func parsePin(text string) ([]byte, error) {
	pin, err := hex.DecodeString(strings.ReplaceAll(strings.ReplaceAll(text, ":", ""), " ", ""))
	if err != nil || len(pin) != sha256.Size {
		return nil, errors.New("it is no SHA-256 in hex, as `openssl x509 -fingerprint -sha256` prints it")
	}
	return pin, nil
}
