package directory

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/ringside-pbx/ringside"
)

// maxRejected is how many rejected edits are kept: older ones are forgotten.
const maxRejected = 100

// Pending gives the edits that the CRM has not answered yet, the oldest first, as they are to be sent:
// with their secrets. It is empty if ctx ends, and as long as there is nothing that they could lie on.
func (k *Keeper) Pending(ctx context.Context) []ringside.Edit {
	if k.lock(ctx) != nil {
		return nil
	}
	defer k.unlock()
	if k.base == nil {
		return nil
	}
	var pending []ringside.Edit
	for i := range k.edits {
		if k.edits[i].State == ringside.EditPending {
			pending = append(pending, k.edits[i])
		}
	}
	return pending
}

// Edits gives all edits that are known, the oldest first, without secrets.
func (k *Keeper) Edits(ctx context.Context) ([]ringside.Edit, error) {
	if err := k.lock(ctx); err != nil {
		return nil, err
	}
	defer k.unlock()
	shown := make([]ringside.Edit, len(k.edits))
	for i := range k.edits {
		shown[i] = k.edits[i]
		shown[i].Fields = ringside.WithoutSecrets(shown[i].Fields)
	}
	return shown, nil
}

// Settle takes the CRM's word on edits. An accepted one stays on top until the CRM's directory contains
// it; one that is refused is taken off at once and kept as rejected, with both sides; retry changes
// nothing, nor does a verdict on an edit that is not pending.
func (k *Keeper) Settle(ctx context.Context, verdicts []ringside.EditVerdict) error {
	if err := k.lock(ctx); err != nil {
		return err
	}
	defer k.unlock()
	defer k.publish()
	source, refused := "", false
	for _, v := range verdicts {
		i := slices.IndexFunc(k.edits, func(e ringside.Edit) bool { return e.ID == v.ID && e.State == ringside.EditPending })
		if i < 0 {
			continue
		}
		e := &k.edits[i]
		switch v.Status {
		case "accepted":
			e.State, e.Version = ringside.EditAccepted, v.Version
			k.unsaved.edits[e.ID] = true
			if order, known := ringside.CompareVersions(k.base.Version, v.Version); known && order >= 0 && ofCRM(k.base.Source) {
				k.drop(i) // the directory with it has come before the answer
				source = "edit accepted"
			}
		case "conflict", "rejected":
			reason := v.Reason
			if reason == "" {
				reason = v.Status
			}
			k.reject(e, reason, v.Theirs)
			refused = true
		case "retry":
		default:
			k.log.Warn("the CRM's answer to an edit is not understood", "edit", e.ID, "status", v.Status)
		}
	}
	if refused {
		source = "edit rejected"
	}
	if source == "" {
		k.save(ctx)
		return nil
	}
	d, err := k.relay()
	if err != nil {
		return err
	}
	k.prune()
	k.apply(ctx, d, 0, source, "")
	return nil
}

// reject takes an edit out of effect and keeps both sides of it. theirs may be nil: then it is what the
// base has.
func (k *Keeper) reject(e *ringside.Edit, reason string, theirs json.RawMessage) {
	if e.Op != ringside.EditDelete && k.cur != nil {
		ours, _ := ringside.Entity(k.cur.data, e.Kind, e.Entity)
		e.Ours = ringside.WithoutSecrets(ours)
	}
	if theirs == nil && k.base != nil {
		theirs, _ = ringside.Entity(k.base.Data, e.Kind, e.Entity)
	}
	e.State, e.Reason, e.Theirs = ringside.EditRejected, reason, ringside.WithoutSecrets(theirs)
	e.Fields = ringside.WithoutSecrets(e.Fields) // it is never sent again
	k.unsaved.edits[e.ID] = true
	k.log.Warn("an edit is rejected", "edit", e.ID, "kind", e.Kind, "id", e.Entity, "author", e.Author, "reason", reason)
}

// drop forgets the i-th edit.
func (k *Keeper) drop(i int) {
	k.unsaved.gone = append(k.unsaved.gone, k.edits[i].ID)
	delete(k.unsaved.edits, k.edits[i].ID)
	k.edits = slices.Delete(k.edits, i, i+1)
}

// ForgetRejected forgets the rejected edits and says how many there were. It changes nothing that is in
// effect. The error is the context's.
func (k *Keeper) ForgetRejected(ctx context.Context) (int, error) {
	if err := k.lock(ctx); err != nil {
		return 0, err
	}
	defer k.unlock()
	defer k.publish()
	before := len(k.edits)
	for i := before - 1; i >= 0; i-- {
		if k.edits[i].State == ringside.EditRejected {
			k.drop(i)
		}
	}
	k.save(ctx)
	return before - len(k.edits), nil
}

// prune forgets the oldest rejected edits beyond those that are kept.
func (k *Keeper) prune() {
	rejected := 0
	for i := len(k.edits) - 1; i >= 0; i-- {
		if k.edits[i].State != ringside.EditRejected {
			continue
		}
		if rejected++; rejected > maxRejected {
			k.drop(i)
		}
	}
}

// contained gives the edits without the accepted ones that a document of the CRM contains: its version
// is theirs or a later one, or nobody can tell and it is the first one that differs.
func (k *Keeper) contained(edits []ringside.Edit, version string) []ringside.Edit {
	return slices.DeleteFunc(slices.Clone(edits), func(e ringside.Edit) bool {
		if e.State != ringside.EditAccepted {
			return false
		}
		order, known := ringside.CompareVersions(version, e.Version)
		return !known || order >= 0
	})
}

// forget drops the edits that are not among those that are left.
func (k *Keeper) forget(left []ringside.Edit) {
	for i := len(k.edits) - 1; i >= 0; i-- {
		if !slices.ContainsFunc(left, func(e ringside.Edit) bool { return e.ID == k.edits[i].ID }) {
			k.drop(i)
		}
	}
}
