package crmtest

import (
	"encoding/json"
	"net/http"

	"github.com/ringside-pbx/ringside"
	crmsync "github.com/ringside-pbx/ringside/sync"
)

// wrongDirectory answers with the directory as a kind spoils it, under an ETag of its own.
func wrongDirectory(kind Kind, w http.ResponseWriter, r *http.Request, well http.Handler) {
	known := r.Header.Get("If-None-Match")
	// The whole document is needed, at once.
	whole := r.Clone(r.Context())
	whole.Header.Del("If-None-Match")
	rec := record(w, whole, well)
	document, err := rec.body.Bytes(), error(nil)
	if rec.status == http.StatusOK {
		document, err = spoil(kind, document)
	}
	switch etag := `"` + digest(document) + `"`; {
	case err != nil:
		refuse(w, http.StatusInternalServerError, "the directory can't be spoilt: "+err.Error())
	case rec.status == http.StatusOK && etag == known:
		w.Header().Set("ETag", etag)
		w.WriteHeader(http.StatusNotModified)
	default:
		if rec.status == http.StatusOK {
			w.Header().Set("ETag", etag)
		}
		w.WriteHeader(rec.status)
		_, _ = w.Write(document)
	}
}

func spoil(kind Kind, document []byte) ([]byte, error) {
	if kind == OlderVersion {
		return ringside.WithVersion(document, "0")
	}
	var top map[string]json.RawMessage
	if err := json.Unmarshal(document, &top); err != nil {
		return nil, err
	}
	for _, list := range []string{"servers", "numbers", "groups", "rules"} {
		switch kind {
		case EmptyDirectory:
			top[list] = json.RawMessage("[]")
		case DuplicateIDs:
			var items []json.RawMessage
			if json.Unmarshal(top[list], &items) != nil || len(items) == 0 {
				continue
			}
			doubled, err := json.Marshal(append(items, items[0]))
			if err != nil {
				return nil, err
			}
			top[list] = doubled
		}
	}
	if kind == BadZone {
		top["time_zone"] = json.RawMessage(`"Mars/Olympus_Mons"`)
	}
	return json.Marshal(top)
}

// wrongResults answers a batch, which has had its effect, with other results.
func wrongResults(kind Kind, w http.ResponseWriter, r *http.Request, well http.Handler) {
	rec := record(w, r, well)
	var all struct {
		Results []json.RawMessage `json:"results"`
	}
	body := rec.body.Bytes()
	if rec.status == http.StatusOK && json.Unmarshal(body, &all) == nil {
		list := all.Results
		if kind == MissingResults {
			list = list[(len(list)+1)/2:]
		} else {
			list = append(append([]json.RawMessage{strange("nobody/1")}, list...), strange("stranger/7"))
		}
		if changed, err := json.Marshal(map[string]any{"results": list}); err == nil {
			body = changed
		}
	}
	w.WriteHeader(rec.status)
	_, _ = w.Write(body)
}

// strange refuses a key, or an edit, that nobody sent.
func strange(key string) json.RawMessage {
	raw, err := json.Marshal(struct {
		ID string `json:"id"`
		crmsync.Result
	}{key, malformed(key, "stranger", "nobody sent this")})
	if err != nil {
		return json.RawMessage("{}")
	}
	return raw
}

// wrongTypes answers with the right keys, whose values are of other types.
func wrongTypes(w http.ResponseWriter, r *http.Request, well http.Handler) {
	rec := record(w, r, well)
	if rec.status == http.StatusNotModified { // an answer without a body has no types
		rec.status = http.StatusOK
	}
	wrong := map[string]any{}
	var top map[string]any
	if json.Unmarshal(rec.body.Bytes(), &top) != nil {
		wrong["status"] = []int{1}
	}
	for key, value := range top {
		switch value.(type) {
		case string:
			wrong[key] = map[string]int{"text": 7}
		case []any, map[string]any:
			wrong[key] = "none"
		default:
			wrong[key] = []string{"many"}
		}
	}
	status := rec.status
	if status == http.StatusNoContent {
		status = http.StatusOK
	}
	answer(w, status, wrong)
}
