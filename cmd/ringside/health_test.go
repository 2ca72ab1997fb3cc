package main

import (
	"encoding/json"
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
