// Package contract holds tests to the documents in docs/openapi: a middleware reads along what ringside
// and a CRM say to one another. It is for tests only; the daemon does not link it.
package contract

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/ringside-pbx/ringside/docs/openapi"
)

// Contract is one of the documents, ready to check exchanges. It is safe for any number of goroutines.
type Contract struct {
	router  routers.Router
	options openapi3filter.Options
}

// Load reads and validates one of the embedded documents.
func Load(name string) (*openapi3.T, error) {
	loader := openapi3.NewLoader()
	loader.IsExternalRefsAllowed = true
	loader.ReadFromURIFunc = func(_ *openapi3.Loader, at *url.URL) ([]byte, error) {
		return openapi.Files.ReadFile(strings.TrimPrefix(at.Path, "./"))
	}
	doc, err := loader.LoadFromURI(&url.URL{Path: name})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := doc.Validate(loader.Context, openapi3.EnableExamplesValidation(), openapi3.EnableSchemaFormatValidation()); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return doc, nil
}

// Valid says what is wrong with JSON that should hold to a schema of a document; nil if nothing is.
func Valid(doc *openapi3.T, schema string, data []byte) error {
	ref := doc.Components.Schemas[schema]
	if ref == nil {
		return fmt.Errorf("there is no schema %s", schema)
	}
	return ValidBy(ref.Value, data)
}

// ValidBy is Valid for a schema at hand.
func ValidBy(schema *openapi3.Schema, data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber() // ids have 64 bits
	var v any
	if err := d.Decode(&v); err != nil {
		return err
	}
	return schema.VisitJSON(v, openapi3.EnableJSONSchema2020(), openapi3.MultiErrors(), openapi3.EnableFormatValidation())
}

// New loads the contract of a CRM whose base URL has the given path, such as /ringside/v1.
func New(base string) (*Contract, error) { return open(openapi.CRM, base) }

// NewOwn loads the contract of what ringside itself serves.
func NewOwn() (*Contract, error) { return open(openapi.Ringside, "/") }

func open(name, base string) (*Contract, error) {
	doc, err := Load(name)
	if err != nil {
		return nil, err
	}
	doc.Servers = openapi3.Servers{{URL: "/" + strings.Trim(base, "/")}}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		return nil, err
	}
	c := &Contract{
		router: router,
		options: openapi3filter.Options{
			IncludeResponseStatus: true,
			MultiError:            true,
			// Whether a credential is good is for whoever serves.
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
		},
	}
	c.options.WithCustomSchemaErrorFunc(func(e *openapi3.SchemaError) string {
		return "/" + strings.Join(e.JSONPointer(), "/") + ": " + e.Reason // and not the whole schema
	})
	return c, nil
}

// Check passes every request to next, and tells report of each one, and of each answer, that is not
// what the contract says. A request whose client has gone is not held to anything. report is called
// from the goroutine that serves the request, after it was answered.
func (c *Contract) Check(next http.Handler, report func(error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, err := takeBody(r)
		if err != nil {
			next.ServeHTTP(w, r)
			return // it was cut off
		}
		heard := &recorder{ResponseWriter: w}
		next.ServeHTTP(heard, r)
		if r.Context().Err() != nil {
			return
		}
		if err := c.Exchange(r, sent, heard.code(), w.Header(), heard.body.Bytes()); err != nil {
			report(err)
		}
	})
}

// Exchange says what is wrong with one request and its answer, both bodies as they were sent; nil if
// nothing is.
func (c *Contract) Exchange(r *http.Request, sent []byte, status int, header http.Header, answered []byte) error {
	what := fmt.Sprintf("%s %s, answered with %d", r.Method, r.URL.RequestURI(), status)
	route, parameters, err := c.router.FindRoute(r)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	// Nobody's request is cut short by a check.
	ctx := context.WithoutCancel(r.Context())
	in, wrong := plainRequest(ctx, r, sent)
	input := &openapi3filter.RequestValidationInput{
		Request: in, PathParams: parameters, Route: route, Options: &c.options,
	}
	errs := []error{wrong}
	if wrong == nil {
		errs = append(errs, openapi3filter.ValidateRequest(ctx, input))
	}
	body, header, err := plainAnswer(header, answered)
	if errs = append(errs, err); err == nil {
		errs = append(errs, openapi3filter.ValidateResponse(ctx, (&openapi3filter.ResponseValidationInput{
			RequestValidationInput: input, Status: status, Header: header, Options: &c.options,
		}).SetBodyBytes(body)))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
