package sync

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"

	"github.com/ringside-pbx/ringside"
)

// maxChanges is how many edits go in one request.
const maxChanges = 50

// sendEdits sends the edits that were made on site, and brings back the CRM's word on them.
func (l *Link) sendEdits(ctx context.Context, s *stream) {
	tries := s.retries()
	for s.enter(ctx) {
		sent, waiting, err := l.sendChanges(ctx)
		if err != nil {
			if !tries.failed(ctx, err, nil) {
				return
			}
			continue
		}
		pause := longRest
		switch {
		case sent == 0:
			s.idle()
		case waiting > 0:
			tries.ok()
			pause = l.opt.Poll
		default:
			tries.ok()
			continue // there may be more than one request takes
		}
		if !rest(ctx, pause, l.opt.Directory.Edited()) {
			return
		}
	}
}

// sendChanges sends what is pending, or the first of it; it returns how many edits that were, and how
// many of them the CRM wants again later.
func (l *Link) sendChanges(ctx context.Context) (count, waiting int, err error) {
	edits, err := l.opt.Directory.PendingEdits(ctx)
	if err != nil || len(edits) == 0 {
		return 0, 0, err
	}
	// One after the other in their order: what the CRM wants later holds back those behind it.
	edits = edits[:min(len(edits), maxChanges)]
	b := ChangeBatch{Node: l.opt.Node, Changes: make([]ringside.Edit, len(edits))}
	for i, e := range edits {
		b.Changes[i] = ringside.Edit{
			ID: e.ID, Kind: e.Kind, Entity: e.Entity, Op: e.Op, Fields: e.Fields, Base: e.Base, Author: e.Author, At: e.At,
		}
	}
	body, err := json.Marshal(b)
	if err != nil {
		return 0, 0, err
	}
	sum := sha256.Sum256(body)
	a, err := l.client.do(ctx, &request{method: http.MethodPost, path: PathChanges, body: body, key: hex.EncodeToString(sum[:16])})
	if err != nil {
		return 0, 0, err
	}
	var res ChangeResults
	if err := decode(a.body, &res); err != nil {
		return 0, 0, err
	}
	sent := make(map[string]bool, len(edits))
	for _, e := range edits {
		sent[e.ID] = true
	}
	var verdicts []ringside.EditVerdict
	for _, v := range res.Results {
		if !sent[v.ID] {
			continue // nobody asked, or it is there twice
		}
		switch v.Status {
		case "accepted", "conflict", "rejected":
			v.Reason = spoken(v.Reason)
			verdicts = append(verdicts, v)
			delete(sent, v.ID)
		}
	}
	if len(verdicts) == 0 {
		return len(edits), len(edits), nil
	}
	return len(edits), len(edits) - len(verdicts), l.opt.Directory.SettleEdits(ctx, verdicts)
}
