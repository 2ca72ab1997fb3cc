package trust

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestErrorsNameTheSetting(t *testing.T) {
	rubbish := filepath.Join(t.TempDir(), "rubbish.pem")
	if err := os.WriteFile(rubbish, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, conf := range map[string]TLS{
		"ca_file: ":             {CAFile: "/nonexistent"},
		"holds no PEM":          {CAFile: rubbish},
		"cert_file, key_file: ": {CertFile: rubbish, KeyFile: rubbish},
		"pin: ":                 {Pin: "abc"},
	} {
		if _, err := conf.Config(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", conf, err, want)
		}
	}
	conf, err := TLS{Pin: strings.Repeat("AB:", 31) + "AB"}.Config()
	if err != nil || conf.VerifyConnection == nil {
		t.Errorf("a pin with colons: %v", err)
	}
	if conf, err := (TLS{}).Config(); err != nil || conf.InsecureSkipVerify || conf.RootCAs != nil {
		t.Errorf("without settings, the system's authorities are trusted: %+v, %v", conf, err)
	}
}
