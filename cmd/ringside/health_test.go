package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/docs/openapi"
	"github.com/ringside-pbx/ringside/docs/openapi/contract"
	crmsync "github.com/ringside-pbx/ringside/sync"
)

func TestHealthIsAsTheDocumentSays(t *testing.T) {
	doc, err := contract.Load(openapi.Ringside)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	full := healthAnswer{
		Status: "degraded", Node: "office", Version: "1", Calls: healthCalls{Live: 2, Waiting: 1},
		Directory: healthDirectory{Loaded: true, Edition: 3, Version: "42", Since: at, Problems: 1, Held: 4, Failed: true},
		CRM: healthCRM{
			State: crmsync.Failing, Since: at, Reason: "x", LastSuccess: at, Warnings: []string{"y"},
			Backlog: ringside.Backlog{Calls: 1, CDRs: 2, Bytes: 3, Oldest: at, Rejected: 4},
		},
		Store: healthStore{OK: false, Since: at, Pending: 1, Dropped: 2},
	}
	empty := healthAnswer{Status: "degraded", Node: "office", Version: "1", CRM: healthCRM{State: "unknown"}} // the store could not be asked
	for _, h := range []healthAnswer{full, empty} {
		data, err := json.Marshal(h)
		if err == nil {
			err = contract.Valid(doc, "Health", data)
		}
		if err != nil {
			t.Errorf("%v\n%s", err, data)
		}
	}
}

func TestHealthDoesNotTellWhereTheTokenStands(t *testing.T) {
	refuse := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	defer refuse.Close()
	token := filepath.Join(t.TempDir(), "crm.token")
	if err := os.WriteFile(token, []byte("refused"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := startDaemon(t, "crm: {url: '"+refuse.URL+"', token_file: "+token+"}\n")
	address := regexp.MustCompile(`http=([0-9.:]+)`).FindStringSubmatch(r.log.String())[1]
	health := func() string {
		res, err := http.Get("http://" + address + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	r.poll("the refusal", func() bool { return strings.Contains(health(), "nobody has renewed") })
	if err := os.Remove(token); err != nil {
		t.Fatal(err)
	}
	r.poll("the missing file", func() bool { return strings.Contains(health(), "no such file") })
	if text := health(); strings.Contains(text, token) {
		t.Errorf("a stranger learns where the token stands: %s", text)
	}
	r.want(token, "sync", "status")
}
