package crmtest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	crmsync "github.com/ringside-pbx/ringside/sync"
)

// BenchmarkPostCalls takes batches of 500 records, compressed as the link sends them.
func BenchmarkPostCalls(b *testing.B) {
	b.Run("memory", func(b *testing.B) { postCalls(b, "") })
	b.Run("file", func(b *testing.B) { postCalls(b, filepath.Join(b.TempDir(), "data")) })
}

func postCalls(b *testing.B, data string) {
	crm, err := New(Options{Data: data})
	if err != nil {
		b.Fatal(err)
	}
	defer crm.Close()
	bodies := make([][]byte, 0, b.N)
	for i := range b.N {
		bodies = append(bodies, zippedBatch(b, i))
	}
	b.ResetTimer()
	for _, body := range bodies {
		r := httptest.NewRequest(http.MethodPost, "/calls", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Content-Encoding", "gzip")
		w := httptest.NewRecorder()
		crm.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatalf("%d: %s", w.Code, w.Body)
		}
	}
	b.StopTimer()
	if len(crm.Calls()) != b.N*crmsync.MaxBatch {
		b.Fatalf("%d calls", len(crm.Calls()))
	}
	b.ReportMetric(float64(b.N*crmsync.MaxBatch)/b.Elapsed().Seconds(), "records/s")
}

func zippedBatch(b *testing.B, i int) []byte {
	batch := crmsync.CallBatch{Node: "office"}
	begin := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	for j := range crmsync.MaxBatch {
		c := ringside.Call{
			ID: fmt.Sprintf("office-%d.%d", i, j), Schema: 1, Revision: 1, Node: "office", PBX: "pbx", Channel: "PJSIP/trunk-00000001",
			Caller: "8 900 123-45-67", CallerE164: "+79001234567", CallerName: "Ivan Petrov", Called: "100", Direction: "inbound",
			Status: ringside.StatusAnswered, RoutedTo: "101", Rule: &ringside.Ref{ID: 3, Name: "Mobiles to sales"},
			Start: begin, Answer: begin.Add(5 * time.Second), End: begin.Add(time.Minute), Duration: 55, Version: "42",
			Legs: []ringside.Leg{{Kind: "dial", Targets: []string{"PJSIP/101"}, Start: begin, Answered: "101", Result: "answer"}},
		}
		raw, err := json.Marshal(c)
		if err != nil {
			b.Fatal(err)
		}
		batch.Items = append(batch.Items, crmsync.CallItem{Key: ringside.DeliveryKey(c.ID, 1), Call: raw})
	}
	text, err := json.Marshal(batch)
	if err != nil {
		b.Fatal(err)
	}
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		b.Fatal(err)
	}
	_, _ = z.Write(text)
	_ = z.Close()
	return out.Bytes()
}
