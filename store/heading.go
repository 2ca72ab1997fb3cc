package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
)

// heading is the beginning of a call's record.
type heading struct {
	ID       string `json:"session_id"`
	Revision int    `json:"revision"`
}

// readHeading reads a record's heading without the rest of it where it can: a million parcels are sent on
// without anybody decoding them.
func readHeading(record []byte) (h heading, err error) {
	if id, revision, ok := scanHeading(record); ok {
		return heading{ID: string(id), Revision: revision}, nil
	}
	err = json.Unmarshal(record, &h)
	return h, err
}

// scanHeading knows how json.Marshal begins a ringside.Call whose id needs no escapes.
func scanHeading(record []byte) (id []byte, revision int, ok bool) {
	rest, ok := bytes.CutPrefix(record, []byte(`{"session_id":"`))
	if !ok {
		return nil, 0, false
	}
	id, rest, ok = bytes.Cut(rest, []byte(`","schema":`))
	if !ok || bytes.ContainsAny(id, `"\`) {
		return nil, 0, false
	}
	rest, ok = bytes.CutPrefix(bytes.TrimLeft(rest, "0123456789"), []byte(`,"revision":`))
	if !ok {
		return nil, 0, false
	}
	end := bytes.IndexAny(rest, ",}")
	if end < 0 {
		return nil, 0, false
	}
	revision, err := strconv.Atoi(string(rest[:end]))
	return id, revision, err == nil
}

// readSound reads the heading of a record that is about to be sent: it is that of the call, and whole
// as far as its ends tell. Reading all of it would be most of the work of draining an outbox; what
// else is wrong with a record, the CRM says of that record.
func readSound(record []byte, id string) (heading, error) {
	switch {
	case record == nil:
		return heading{}, errors.New("its record is missing")
	case len(record) == 0 || record[len(record)-1] != '}':
		return heading{}, errors.New("its record is cut short")
	}
	h, err := readHeading(record)
	if err != nil {
		return heading{}, err
	}
	if h.ID != id {
		return heading{}, errors.New("its record is that of call " + strconv.Quote(h.ID))
	}
	return h, nil
}
