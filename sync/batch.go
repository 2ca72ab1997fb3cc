package sync

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"runtime"
	"time"

	"github.com/ringside-pbx/ringside"
)

// item is a parcel on its way.
type item struct {
	parcel ringside.Parcel
	key    string
	// cdrs: the record has legs.
	cdrs bool
	// body is the item's own part of the batch, between its key and its end.
	body []byte
	// broken is why the record can't be sent at all.
	broken string
}

// newItem makes an item of a parcel. The record of a call goes out as the bytes that were stored.
func newItem(kind ringside.ParcelKind, p ringside.Parcel) item {
	it := item{parcel: p, key: ringside.DeliveryKey(p.CallID, p.Revision), body: p.Data}
	if kind != ringside.CDRParcel {
		it.cdrs = bytes.Contains(p.Data, []byte(`"legs":[`))
		return it
	}
	var c ringside.Call
	err := json.Unmarshal(p.Data, &c)
	if err == nil {
		it.body, err = json.Marshal(c.CDRs())
	}
	if err != nil {
		it.broken = "the record can't be read: " + err.Error()
	}
	return it
}

// batch is a request with several items.
type batch struct {
	items   []item
	request *request
}

// breather is how many items are worked on before others may have the processor: a drain must not
// keep a live call waiting.
const breather = 20

// newBatch makes the request of a batch. The same batch has the same key.
func (d *delivery) newBatch(items []item) (*batch, error) {
	size, sum := 64, sha256.New()
	for _, it := range items {
		size += len(it.key) + len(it.body) + 32
		_, _ = sum.Write([]byte(it.key + "\n"))
	}
	node, err := json.Marshal(d.link.opt.Node)
	if err != nil {
		return nil, err
	}
	r := &request{
		method: http.MethodPost, path: d.path, key: hex.EncodeToString(sum.Sum(nil)[:16]), size: size,
		write: func(w io.Writer) error { return writeItems(w, node, d.field(), items) },
	}
	return &batch{items, r}, d.link.client.ready(r)
}

// field is what an item's body is called.
func (d *delivery) field() string {
	if d.kind == ringside.CDRParcel {
		return "cdrs"
	}
	return "call"
}

// writeItems writes the body of a batch.
func writeItems(w io.Writer, node []byte, field string, items []item) error {
	_, err := io.WriteString(w, `{"node":`+string(node)+`,"items":[`)
	for i, it := range items {
		if err != nil {
			return err
		}
		if i%breather == breather-1 {
			runtime.Gosched()
		}
		separator := ","
		if i == 0 {
			separator = ""
		}
		key, keyErr := json.Marshal(it.key)
		if keyErr != nil {
			return keyErr
		}
		if _, err = io.WriteString(w, separator+`{"key":`+string(key)+`,"`+field+`":`); err == nil {
			_, err = w.Write(it.body)
		}
		if err == nil {
			_, err = io.WriteString(w, "}")
		}
	}
	if err == nil {
		_, err = io.WriteString(w, "]}")
	}
	return err
}

// outcome is what an answer says about a batch.
type outcome struct {
	settled []ringside.Settlement
	// later are the items that the CRM does not want just now, or says nothing about.
	later []item
	// taken is how many were accepted.
	taken int
	// why is what was said of one that is to be sent again.
	why string
}

// read gives each item its result. Results for keys that were not sent are nobody's, and of two that
// say different things of one item neither counts.
func (b *batch) read(res Results, now time.Time) (o outcome) {
	byKey := make(map[string]*Result, len(res.Results))
	for i := range res.Results {
		r := &res.Results[i]
		if other := byKey[r.Key]; other != nil && (other.Status == Retry || other.taken() != r.taken()) {
			r = &Result{Key: r.Key, Status: Retry, Reason: "it says of one record that it has taken it and that it has not"}
		}
		byKey[r.Key] = r
	}
	for _, it := range b.items {
		r := byKey[it.key]
		switch {
		case r == nil:
			o.later = append(o.later, it)
			o.why = "the CRM's answer says nothing of a record"
		case r.taken():
			o.taken++
			o.settled = append(o.settled, ringside.Settlement{Seq: it.parcel.Seq, CDRs: it.cdrs})
		case r.Status == Refused:
			o.settled = append(o.settled, rejection(it, r.Code, r.Reason, now))
		default:
			o.later = append(o.later, it)
			o.why = "the CRM asks to send a record again later: " + spoken(r.Reason)
		}
	}
	return o
}

// rejection settles an item into the bucket.
func rejection(it item, code, reason string, now time.Time) ringside.Settlement {
	if reason == "" {
		reason = "the CRM gave no reason"
	}
	return ringside.Settlement{
		Seq: it.parcel.Seq, Rejection: &ringside.Rejection{Code: spoken(code), Reason: spoken(reason), At: now},
	}
}
