package pbx_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ringside-pbx/ringside/test/pbx"
)

const row = `"","+79005550001","7001","from-trunk","""An""na"" <+79005550001>","PJSIP/trunk-00000002","PJSIP/102-00000003","Dial","PJSIP/102,30","2026-11-23 15:20:06","2026-11-23 15:20:07","2026-11-23 15:20:09",3,2,"ANSWERED","DOCUMENTATION","pbx-1","",""` + "\n"

func TestCDRRows(t *testing.T) {
	got, err := pbx.ParseCDRs(strings.NewReader(row))
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2026, 11, 23, 15, 20, 0, 0, time.UTC)
	want := []pbx.CDR{{
		Source: "+79005550001", Destination: "7001", Context: "from-trunk", CallerID: `"An"na" <+79005550001>`,
		Channel: "PJSIP/trunk-00000002", DestinationChannel: "PJSIP/102-00000003", App: "Dial", Data: "PJSIP/102,30",
		Start: day.Add(6 * time.Second), Answer: day.Add(7 * time.Second), End: day.Add(9 * time.Second),
		Duration: 3, Billed: 2, Disposition: "ANSWERED", UniqueID: "pbx-1",
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got[0].Phone() != "102" {
		t.Errorf("the phone is %q", got[0].Phone())
	}
}

func TestCDRsOfAFreshAsterisk(t *testing.T) {
	if rows, err := pbx.ReadCDRs(filepath.Join(t.TempDir(), "Master.csv")); err != nil || rows != nil {
		t.Errorf("%v, %v: no file is no rows", rows, err)
	}
	broken := filepath.Join(t.TempDir(), "Master.csv")
	if err := os.WriteFile(broken, []byte("a,b,c\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := pbx.ReadCDRs(broken); err == nil {
		t.Error("a row of three columns was taken for a CDR")
	}
}

func FuzzCDRs(f *testing.F) {
	f.Add(row)
	f.Add(strings.Repeat(",", 20))
	f.Add(`"a""b`)
	f.Fuzz(func(_ *testing.T, text string) {
		rows, _ := pbx.ParseCDRs(strings.NewReader(text))
		for _, r := range rows {
			_, _ = r.Phone(), r.String()
		}
	})
}
