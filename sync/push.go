package sync

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/ringside-pbx/ringside"
)

// putConfig takes a directory that the CRM pushes.
func (r *Receiver) putConfig(w http.ResponseWriter, req *http.Request, body []byte) {
	q := req.URL.Query()
	for _, flag := range []string{"force", "confirm"} {
		if v := q.Get(flag); v != "" && v != "0" && v != "1" {
			refuse(w, http.StatusBadRequest, flag+" is neither 0 nor 1")
			return
		}
	}
	o, err := r.opt.Directory.OfferDirectory(req.Context(), Document{
		Data: body, ETag: req.Header.Get("ETag"), Source: "push", Author: "CRM",
		Forced: q.Get("force") == "1", Confirmed: q.Get("confirm") == "1",
	})
	switch wrong := ringside.DecodeErrorsOf(err); {
	case errors.Is(err, ErrOlder):
		refuse(w, http.StatusConflict, spoken(err.Error())+" (force=1 takes it all the same)")
	case errors.Is(err, ErrFile):
		refuse(w, http.StatusConflict, ErrFile.Error()+": nothing is changed")
	case wrong != nil:
		f := ErrorBody{Error: "the document is no directory; nothing is changed"}
		for _, one := range wrong {
			f.Details = append(f.Details, ErrorDetail{Path: one.Path, Text: spoken(one.Text)})
		}
		reply(w, http.StatusUnprocessableEntity, f)
	case err != nil:
		r.opt.Log.Error("a pushed directory could not be taken", "error", err)
		refuse(w, http.StatusInternalServerError, "the directory could not be taken")
	case o.State == string(ringside.EditionHeld):
		reply(w, http.StatusAccepted, o)
	default:
		reply(w, http.StatusOK, o)
	}
}

// refresh pulls the directory now.
func (r *Receiver) refresh(w http.ResponseWriter, _ *http.Request, _ []byte) {
	if err := r.opt.Refresh(); err != nil {
		refuse(w, http.StatusConflict, err.Error())
		return
	}
	reply(w, http.StatusAccepted, map[string]string{"status": "pulling"})
}

// route decides on a call that is not there.
func (r *Receiver) route(w http.ResponseWriter, req *http.Request, body []byte) {
	var q RouteQuestion
	if err := json.Unmarshal(body, &q); err != nil {
		refuse(w, http.StatusBadRequest, "the body is not the JSON object that is wanted: "+wrongJSON(err))
		return
	}
	if q.To == "" {
		refuse(w, http.StatusBadRequest, "called_number is missing")
		return
	}
	e, err := r.opt.Route(req.Context(), q)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "the decision failed")
		return
	}
	reply(w, http.StatusOK, e)
}

// wrongJSON says what is wrong with a body in the words of its keys.
func wrongJSON(err error) string {
	var (
		at   *time.ParseError
		kind *json.UnmarshalTypeError
	)
	switch {
	case errors.As(err, &at):
		return "at is no time, such as 2026-11-23T10:00:00+03:00"
	case errors.As(err, &kind) && kind.Field != "":
		return spoken(kind.Field + " must not be a " + kind.Value)
	}
	return spoken(err.Error())
}
