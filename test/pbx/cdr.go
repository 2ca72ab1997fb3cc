package pbx

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"
)

// CDR is one row of Asterisk's Master.csv.
type CDR struct {
	Source, Destination, Context string
	CallerID                     string
	Channel, DestinationChannel  string
	App, Data                    string
	Start, Answer, End           time.Time
	Duration, Billed             int // seconds
	// Disposition is "ANSWERED", "NO ANSWER", "BUSY", "FAILED" or "CONGESTION".
	Disposition string
	UniqueID    string
}

// ReadCDRs reads a Master.csv; a file that is not there yet has no rows.
func ReadCDRs(path string) ([]CDR, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the CDRs: %w", err)
	}
	defer f.Close()
	return ParseCDRs(f)
}

// ParseCDRs reads rows of a Master.csv.
func ParseCDRs(from io.Reader) ([]CDR, error) {
	r := csv.NewReader(from)
	// A caller's name is in there with whatever the caller wrote.
	r.LazyQuotes = true
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read the CDRs: %w", err)
	}
	var all []CDR
	for _, row := range rows {
		if len(row) < 17 {
			return nil, fmt.Errorf("read the CDRs: a row has %d columns: %q", len(row), row)
		}
		c := CDR{
			Source: row[1], Destination: row[2], Context: row[3], CallerID: row[4],
			Channel: row[5], DestinationChannel: row[6], App: row[7], Data: row[8],
			Start: cdrTime(row[9]), Answer: cdrTime(row[10]), End: cdrTime(row[11]),
			Disposition: row[14], UniqueID: row[16],
		}
		c.Duration, _ = strconv.Atoi(row[12])
		c.Billed, _ = strconv.Atoi(row[13])
		all = append(all, c)
	}
	return all, nil
}

func cdrTime(s string) time.Time {
	t, err := time.Parse(time.DateTime, s)
	if err != nil {
		return time.Time{} // not answered: the column is empty
	}
	return t
}

// Phone is the extension or trunk that the row's second channel belongs to: 102 of
// PJSIP/102-00000003.
func (c CDR) Phone() string {
	_, rest, _ := strings.Cut(c.DestinationChannel, "/")
	i := strings.LastIndexByte(rest, '-')
	if i < 0 {
		return rest
	}
	return rest[:i]
}

// String is the row in short.
func (c CDR) String() string {
	return fmt.Sprintf("%s -> %s [%s] %s(%s) phone=%q %s billed=%ds", c.Source, c.Destination, c.Context, c.App, c.Data, c.Phone(), c.Disposition, c.Billed)
}
