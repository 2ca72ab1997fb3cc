package control

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// directoryRoutes are the routes of what keeps the directory.
func (s *Server) directoryRoutes(mux *http.ServeMux) {
	answer(mux, "PUT /directory", func(r *http.Request) (any, error) {
		document, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, badRequest{err}
		}
		q := r.URL.Query()
		return s.daemon.LoadDirectory(r.Context(), DirectoryLoad{
			Source: q.Get("source"), Author: q.Get("author"), Confirmed: q.Get("confirmed") == "1", Document: document,
		})
	})
	answer(mux, "PATCH /directory", func(r *http.Request) (any, error) {
		var e DirectoryEdit
		if err := decode(r, &e); err != nil {
			return nil, err
		}
		return s.daemon.EditDirectory(r.Context(), e)
	})
	answer(mux, "GET /directory/edits", func(r *http.Request) (any, error) { return s.daemon.Edits(r.Context()) })
	answer(mux, "DELETE /directory/edits", func(r *http.Request) (any, error) { return s.daemon.ForgetEdits(r.Context()) })
	answer(mux, "GET /directory/editions", func(r *http.Request) (any, error) {
		limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
		if err != nil {
			return nil, badRequest{fmt.Errorf("limit: %w", err)}
		}
		return s.daemon.Editions(r.Context(), limit)
	})
	answer(mux, "GET /directory/editions/{number}", func(r *http.Request) (any, error) {
		n, err := strconv.ParseUint(r.PathValue("number"), 10, 64)
		if err != nil {
			return nil, badRequest{fmt.Errorf("number: %w", err)}
		}
		return s.daemon.Edition(r.Context(), n)
	})
	answer(mux, "POST /directory/editions", func(r *http.Request) (any, error) {
		var d EditionDecision
		if err := decode(r, &d); err != nil {
			return nil, err
		}
		switch d.Verdict {
		case ConfirmEdition, DiscardEdition, RollBack:
			return s.daemon.DecideEdition(r.Context(), d)
		}
		return nil, badRequest{errors.New("verdict is none of confirm, discard, rollback")}
	})
}
