package sync

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"time"

	"github.com/ringside-pbx/ringside"
)

// item is a parcel on its way.
type item struct {
	parcel ringside.Parcel
	key    string
	// cdrs: the record has legs.
	cdrs bool
	// body is the item's own part of the batch.
	body []byte
	// broken is why the record can't be sent at all.
	broken string
}

// newItem makes an item of a parcel. The record of a call goes out as the bytes that were stored.
func newItem(kind ringside.ParcelKind, p ringside.Parcel) item {
	it := item{parcel: p, key: ringside.DeliveryKey(p.CallID, p.Revision)}
	key, err := json.Marshal(it.key)
	if err != nil {
		it.broken = err.Error()
		return it
	}
	var b bytes.Buffer
	b.Grow(len(p.Data) + len(key) + 32)
	b.WriteString(`{"key":`)
	b.Write(key)
	switch kind {
	case ringside.CDRParcel:
		var c ringside.Call
		if err := json.Unmarshal(p.Data, &c); err != nil {
			it.broken = "the record can't be read: " + err.Error()
			return it
		}
		cdrs, err := json.Marshal(c.CDRs())
		if err != nil {
			it.broken = err.Error()
			return it
		}
		b.WriteString(`,"cdrs":`)
		b.Write(cdrs)
	default:
		it.cdrs = bytes.Contains(p.Data, []byte(`"legs":[`))
		b.WriteString(`,"call":`)
		b.Write(p.Data)
	}
	b.WriteByte('}')
	it.body = b.Bytes()
	return it
}

// batch is a request with several items.
type batch struct {
	items   []item
	request *request
}

// newBatch makes the request of a batch. The same batch has the same key.
func (d *delivery) newBatch(items []item) (*batch, error) {
	size := 64
	for _, it := range items {
		size += len(it.body) + 1
	}
	b := bytes.NewBuffer(make([]byte, 0, size))
	name, err := json.Marshal(d.link.opt.Node)
	if err != nil {
		return nil, err
	}
	b.WriteString(`{"node":`)
	b.Write(name)
	b.WriteString(`,"items":[`)
	for i, it := range items {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(it.body)
	}
	b.WriteString(`]}`)
	sum := sha256.Sum256(b.Bytes())
	r := &request{method: http.MethodPost, path: d.path, body: b.Bytes(), key: hex.EncodeToString(sum[:16])}
	return &batch{items, r}, d.link.client.zip(r)
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

// read gives each item its result. Results for keys that were not sent are nobody's.
func (b *batch) read(res Results, now time.Time) (o outcome) {
	byKey := make(map[string]*Result, len(res.Results))
	for i := range res.Results {
		byKey[res.Results[i].Key] = &res.Results[i]
	}
	for _, it := range b.items {
		r := byKey[it.key]
		switch {
		case r == nil:
			o.later = append(o.later, it)
			o.why = "the CRM's answer says nothing of a record"
		case r.Status == Accepted, r.Status == Duplicate:
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
