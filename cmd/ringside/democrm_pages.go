package main

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"encoding/json"
	"errors"
	"html/template"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
	crmsync "github.com/ringside-pbx/ringside/sync"
	"github.com/ringside-pbx/ringside/sync/crmtest"
)

//go:embed democrm.html.tmpl
var demoPage string

// demoPages shows what has arrived at the reference CRM, and lets it misbehave. Beside the contract's
// paths it serves /, /state, /misbehave and /annotate.
type demoPages struct {
	crm   *crmtest.CRM
	token ringside.Secret
	page  *template.Template
	mux   *http.ServeMux
}

// newDemoPages makes the handler; with a token, the pages need it as a bearer token or a password.
func newDemoPages(crm *crmtest.CRM, token ringside.Secret) (http.Handler, error) {
	d := &demoPages{crm: crm, token: token, mux: http.NewServeMux()}
	var err error
	if d.page, err = template.New("page").Funcs(template.FuncMap{
		"time":   func(t time.Time) string { return t.Local().Format(time.DateTime) },
		"words":  func(s ringside.Status) string { return strings.ReplaceAll(string(s), "_", " ") },
		"caller": caller,
		"fields": fieldsInWords,
	}).Parse(demoPage); err != nil {
		return nil, err
	}
	d.mux.Handle(demoBase, crm)
	d.mux.HandleFunc("GET /{$}", d.guarded(d.show))
	d.mux.HandleFunc("GET /state", d.guarded(d.state))
	d.mux.HandleFunc("POST /misbehave", d.guarded(d.misbehave))
	d.mux.HandleFunc("POST /annotate", d.guarded(d.annotate))
	// A page that somebody has open in a browser must not reach the CRM on this machine.
	return http.NewCrossOriginProtection().Handler(d.mux), nil
}

func (d *demoPages) guarded(serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if !d.token.IsZero() {
			shown, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
			if !bearer {
				_, shown, _ = r.BasicAuth()
			}
			if subtle.ConstantTimeCompare([]byte(shown), []byte(d.token.Reveal())) != 1 {
				w.Header().Set("WWW-Authenticate", `Basic realm="reference CRM: the password is the token"`)
				demoAnswer(w, http.StatusUnauthorized, crmsync.ErrorBody{Error: "the token is missing or wrong"})
				return
			}
		}
		serve(w, r)
	}
}

// demoState is what GET /state tells.
type demoState struct {
	Calls        map[string]int                `json:"calls"`
	Arrivals     map[string]int                `json:"arrivals"`
	Effects      map[string]int                `json:"effects"`
	CDRs         map[string]int                `json:"cdrs"`
	Edits        []crmtest.Edit                `json:"edits"`
	Heartbeats   map[string]crmtest.Heartbeats `json:"heartbeats"`
	Events       int                           `json:"events"`
	Misbehaviour []string                      `json:"misbehaviour"`
	Version      string                        `json:"directory_version"`
}

func (d *demoPages) state(w http.ResponseWriter, _ *http.Request) {
	s := demoState{
		Calls: d.crm.Calls(), CDRs: d.crm.CDRs(), Edits: shownEdits(d.crm), Heartbeats: d.crm.Heartbeats(),
		Events: len(d.crm.Events()), Misbehaviour: shownRules(d.crm), Version: d.crm.DirectoryVersion(),
	}
	s.Arrivals, s.Effects = d.crm.Deliveries()
	demoAnswer(w, http.StatusOK, s)
}

// shownEdits are the edits without the passwords in them.
func shownEdits(crm *crmtest.CRM) []crmtest.Edit {
	edits := append([]crmtest.Edit{}, crm.Edits()...)
	for i := range edits {
		edits[i].Edit.Fields = ringside.WithoutSecrets(edits[i].Edit.Fields)
	}
	return edits
}

func shownRules(crm *crmtest.CRM) []string {
	rules := []string{}
	for _, one := range crm.Misbehaviour() {
		rules = append(rules, one.String())
	}
	return rules
}

// maxRules bounds the text of rules, in bytes.
const maxRules = 64 << 10

// misbehave puts rules in force in place of those before.
func (d *demoPages) misbehave(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRules))
	if err != nil {
		demoAnswer(w, http.StatusBadRequest, crmsync.ErrorBody{Error: "the rules did not arrive whole"})
		return
	}
	if strings.TrimSpace(string(text)) == "" {
		err = errors.New("there are no rules: send them as text, or the word clear")
	}
	rules, wrong := crmtest.ParseRules(string(text))
	if err = errors.Join(err, wrong); err != nil {
		demoAnswer(w, http.StatusUnprocessableEntity, crmsync.ErrorBody{Error: err.Error()})
		return
	}
	d.crm.Misbehave(rules...)
	demoAnswer(w, http.StatusOK, map[string][]string{"misbehaviour": shownRules(d.crm)})
}

// annotate says something about a call in place of what was said before.
func (d *demoPages) annotate(w http.ResponseWriter, r *http.Request) {
	var a ringside.Annotation
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRules))
	if err == nil {
		err = json.Unmarshal(body, &a)
	}
	switch {
	case err != nil:
		demoAnswer(w, http.StatusBadRequest, crmsync.ErrorBody{Error: "that is no annotation, such as {\"session_id\": \"ID\", \"note\": \"Call back\"}"})
		return
	case d.crm.Record(a.CallID) == nil:
		demoAnswer(w, http.StatusNotFound, crmsync.ErrorBody{Error: "no call of this session_id has arrived"})
		return
	}
	if err := d.crm.Annotate(a); err != nil {
		demoAnswer(w, http.StatusInternalServerError, crmsync.ErrorBody{Error: "the annotation could not be kept"})
		return
	}
	demoAnswer(w, http.StatusOK, a)
}

// shownRows is how many of everything the page shows.
const shownRows = 50

// demoRow is one call on the page.
type demoRow struct {
	ringside.Call
	Arrived, CDRs int
}

func (d *demoPages) show(w http.ResponseWriter, _ *http.Request) {
	cdrs := d.crm.CDRs()
	var rows []demoRow
	for _, record := range d.crm.Latest(shownRows) {
		var row demoRow
		// What can't be read has keys all the same; a record of a later schema is shown as far as it goes.
		_ = json.Unmarshal(record, &row.Call)
		key := ringside.DeliveryKey(row.ID, row.Revision)
		row.Arrived, row.CDRs = d.crm.Arrivals(key), cdrs[key]
		rows = append(rows, row)
	}
	edits, events := shownEdits(d.crm), d.crm.Events()
	slices.Reverse(edits)
	slices.Reverse(events)
	legs := 0
	for n := range maps.Values(cdrs) {
		legs += n
	}
	nonce := rand.Text()
	zone := time.Now().Format("MST (-07:00)")
	var b bytes.Buffer
	err := d.page.Execute(&b, map[string]any{
		"Nonce": nonce, "Version": d.crm.DirectoryVersion(), "Rules": shownRules(d.crm),
		"Zone": zone, "Calls": rows, "Total": callCount(len(d.crm.Calls())), "CDRs": count(legs, "CDR", "CDRs"),
		"Edits": edits[:min(len(edits), shownRows)], "Events": events[:min(len(events), shownRows)], "Beats": d.crm.Heartbeats(),
	})
	if err != nil {
		demoAnswer(w, http.StatusInternalServerError, crmsync.ErrorBody{Error: "the page could not be made"})
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy",
		"default-src 'none'; style-src 'nonce-"+nonce+"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	w.Header().Set("Referrer-Policy", "no-referrer")
	_, _ = w.Write(b.Bytes())
}

func demoAnswer(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error":"the answer could not be written"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
