package openapi_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v3"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/configs"
	"github.com/ringside-pbx/ringside/docs/openapi"
	"github.com/ringside-pbx/ringside/docs/openapi/contract"
	"github.com/ringside-pbx/ringside/internal/signature"
	crmsync "github.com/ringside-pbx/ringside/sync"
)

// load reads a document; that validates it, with every example.
func load(t *testing.T, name string) *openapi3.T {
	t.Helper()
	doc, err := contract.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func schema(t *testing.T, doc *openapi3.T, name string) *openapi3.Schema {
	t.Helper()
	ref := doc.Components.Schemas[name]
	if ref == nil {
		t.Fatalf("there is no schema %s", name)
	}
	return ref.Value
}

func TestEveryBodyHasExamplesAndEveryOperationANameAndErrors(t *testing.T) {
	for _, name := range []string{openapi.CRM, openapi.Ringside} {
		for path, item := range load(t, name).Paths.Map() {
			for method, op := range item.Operations() {
				what := fmt.Sprintf("%s: %s %s", name, method, path)
				if op.OperationID == "" || op.Summary == "" {
					t.Errorf("%s has no operationId or summary", what)
				}
				content := map[string]openapi3.Content{}
				if op.RequestBody != nil {
					content["request"] = op.RequestBody.Value.Content
				}
				refused := false
				for status, res := range op.Responses.Map() {
					content[status] = res.Value.Content
					refused = refused || status[0] == '4'
				}
				if !refused {
					t.Errorf("%s has no answer that refuses", what)
				}
				for which, c := range content {
					for _, media := range c {
						if len(media.Examples) == 0 {
							t.Errorf("%s, %s has no example", what, which)
						}
					}
				}
			}
		}
	}
}

// The library validates examples by the rules of 3.0; the schemas are those of 3.1.
func TestEveryExampleHoldsToItsSchema(t *testing.T) {
	n := 0
	for _, name := range []string{openapi.CRM, openapi.Ringside} {
		hold := func(what string, c openapi3.Content) {
			for _, media := range c {
				for which, example := range media.Examples {
					n++
					data, err := json.Marshal(example.Value.Value)
					if err == nil {
						err = contract.ValidBy(media.Schema.Value, data)
					}
					if err != nil {
						t.Errorf("%s: %s, example %s: %v", name, what, which, err)
					}
				}
			}
		}
		for path, item := range load(t, name).Paths.Map() {
			for method, op := range item.Operations() {
				if op.RequestBody != nil {
					hold(method+" "+path, op.RequestBody.Value.Content)
				}
				for status, res := range op.Responses.Map() {
					hold(method+" "+path+" "+status, res.Value.Content)
				}
			}
		}
	}
	if n < 50 {
		t.Errorf("only %d examples were found", n)
	}
}

func TestTheSignatureOfTheExampleIsRight(t *testing.T) {
	_, want := signature.Sign(ringside.NewSecret("0123456789abcdef"), time.Unix(1795500000, 0), "GET", "/ringside/v1/config", nil)
	if text := load(t, openapi.CRM).Info.Description; !strings.Contains(text, "X-Ringside-Signature: "+want) {
		t.Errorf("the description does not have %s", want)
	}
}

// wireTypes are the schemas with the types of the code that they describe.
var wireTypes = map[string]map[string]reflect.Type{
	openapi.CRM: {
		"Directory": reflect.TypeFor[ringside.Directory](), "Server": reflect.TypeFor[ringside.Server](), "User": reflect.TypeFor[ringside.User](),
		"Number": reflect.TypeFor[ringside.Extension](), "Account": reflect.TypeFor[ringside.Account](), "Group": reflect.TypeFor[ringside.RingGroup](),
		"Member": reflect.TypeFor[ringside.Member](), "Destination": reflect.TypeFor[ringside.Destination](), "Rule": reflect.TypeFor[ringside.Rule](),
		"ChangeBatch": reflect.TypeFor[crmsync.ChangeBatch](), "ChangeResults": reflect.TypeFor[crmsync.ChangeResults](), "Verdict": reflect.TypeFor[ringside.EditVerdict](),
		"Contact": reflect.TypeFor[ringside.Contact](), "ContactPage": reflect.TypeFor[crmsync.ContactPage](), "ContactChange": reflect.TypeFor[ringside.ContactChange](),
		"AnnotationPage": reflect.TypeFor[crmsync.AnnotationPage](), "Annotation": reflect.TypeFor[ringside.Annotation](), "Task": reflect.TypeFor[ringside.Task](),
		"CallBatch": reflect.TypeFor[crmsync.CallBatch](), "CallItem": reflect.TypeFor[crmsync.CallItem](), "Call": reflect.TypeFor[ringside.Call](),
		"Ref": reflect.TypeFor[ringside.Ref](), "Leg": reflect.TypeFor[ringside.Leg](), "Step": reflect.TypeFor[ringside.Step](),
		"CDRBatch": reflect.TypeFor[crmsync.CDRBatch](), "CDRItem": reflect.TypeFor[crmsync.CDRItem](), "CDR": reflect.TypeFor[ringside.CDR](),
		"Results": reflect.TypeFor[crmsync.Results](), "Result": reflect.TypeFor[crmsync.Result](), "CallIDPage": reflect.TypeFor[crmsync.CallIDPage](),
		"CallRef": reflect.TypeFor[ringside.CallRef](), "EventBatch": reflect.TypeFor[crmsync.EventBatch](), "Event": reflect.TypeFor[crmsync.Event](),
		"Heartbeat": reflect.TypeFor[crmsync.Heartbeat](), "Backlog": reflect.TypeFor[ringside.Backlog](),
	},
	openapi.Ringside: {
		"Error": reflect.TypeFor[crmsync.ErrorBody](), "Detail": reflect.TypeFor[crmsync.ErrorDetail](), "Offered": reflect.TypeFor[crmsync.Offered](),
		"Problem": reflect.TypeFor[ringside.Problem](), "RouteQuestion": reflect.TypeFor[crmsync.RouteQuestion](), "Explained": reflect.TypeFor[ringside.Explained](),
	},
}

// fields gives the names of a type's fields on the wire, and of those that are always there.
func fields(of reflect.Type) (all, always []string) {
	for i := range of.NumField() {
		f := of.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			a, w := fields(f.Type)
			all, always = append(all, a...), append(always, w...)
		case name == "-" || !f.IsExported():
		default:
			all = append(all, name)
			if !strings.Contains(options, "omit") {
				always = append(always, name)
			}
		}
	}
	slices.Sort(all)
	return all, always
}

func TestSchemasHaveTheFieldsOfTheTypes(t *testing.T) {
	for name, types := range wireTypes {
		doc := load(t, name)
		for which, of := range types {
			s := schema(t, doc, which)
			all, always := fields(of)
			if got := slices.Sorted(maps.Keys(s.Properties)); !slices.Equal(got, all) {
				t.Errorf("%s, %s has %v\n%s has %v", name, which, got, of, all)
			}
			for _, required := range s.Required {
				if !slices.Contains(always, required) {
					t.Errorf("%s, %s wants %s, and %s may leave it out", name, which, required, of)
				}
			}
		}
	}
}

func TestAnEditHasAllFieldsButThoseOfTheSite(t *testing.T) {
	all, _ := fields(reflect.TypeFor[ringside.Edit]())
	own := []string{"state", "version", "reason", "ours", "theirs"}
	all = slices.DeleteFunc(all, func(f string) bool { return slices.Contains(own, f) })
	if got := slices.Sorted(maps.Keys(schema(t, load(t, openapi.CRM), "Edit").Properties)); !slices.Equal(got, all) {
		t.Errorf("the schema has %v, the type %v", got, all)
	}
}

func TestValuesOfTheCodeHoldToTheSchemas(t *testing.T) {
	docs := map[string]*openapi3.T{openapi.CRM: load(t, openapi.CRM), openapi.Ringside: load(t, openapi.Ringside)}
	for _, v := range values(t) {
		data, err := json.Marshal(v.value)
		if err == nil {
			err = contract.Valid(docs[v.doc], v.schema, data)
		}
		if err != nil {
			t.Errorf("%s %s (%s): %v\n%s", v.doc, v.schema, v.name, err, data)
		}
	}
}

func TestDirectoriesThatAreTakenHoldToTheSchema(t *testing.T) {
	s := schema(t, load(t, openapi.CRM), "Directory")
	var demo any
	if err := yaml.Unmarshal(configs.Demo, &demo); err != nil {
		t.Fatal(err)
	}
	demoJSON, err := json.Marshal(demo)
	if err != nil {
		t.Fatal(err)
	}
	full, err := os.ReadFile("testdata/directory.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		doc  string
	}{
		{"the demo", string(demoJSON)},
		{"full", string(full)},
		{"the version alone", `{"version": 7}`},
		{"keys of a newer CRM", `{"version": "7", "colour": 1, "rules": [{"action": "hangup", "colour": null}]}`},
		{"the rows' own keys", `{"version": "7", "rules": [{"action": "hangup", "description": "x", "created_at": "2026-01-01", "updated_at": null}]}`},
		{"null for what is left out", `{"version": "7", "time_zone": null, "servers": null, "numbers": [{"number": "101", "server": null, "user": null, "account": null, "password": null}],
			"groups": [{"name": "S", "members": null, "overflow": null, "ring_timeout": null, "distribution_strategy": null}],
			"rules": [{"action": "hangup", "fallback": null, "target_group": null, "priority": null, "active": null}], "defaults": null}`},
		{"nothing for a destination", `{"version": "7", "rules": [{"action": "hangup", "fallback": {}}], "defaults": {}}`},
		{"numbers that are no text", `{"version": 7, "numbers": [{"number": 101}], "groups": [{"name": "S", "members": [101, {"number": 102}]}],
			"rules": [{"action": "route_to_number", "target_number": 101, "caller_id_pattern": 7495}]}`},
	} {
		if _, _, err := ringside.DecodeDirectory([]byte(tt.doc)); err != nil {
			t.Errorf("%s is not taken: %v", tt.name, err)
		}
		if err := contract.ValidBy(s, []byte(tt.doc)); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestDirectoriesThatAreRefusedDoNot(t *testing.T) {
	s := schema(t, load(t, openapi.CRM), "Directory")
	for _, doc := range []string{
		`[]`, `null`, `{}`, `{"version": null}`, `{"version": ""}`, `{"version": [1]}`, `{"version": true}`,
		`{"version": "1", "numbers": {}}`, `{"version": "1", "holidays": [1]}`, `{"version": "1", "time_zone": 3}`,
		`{"version": "1", "numbers": [{}]}`, `{"version": "1", "numbers": [{"number": true}]}`, `{"version": "1", "numbers": [{"number": 1.5}]}`,
		`{"version": "1", "numbers": [{"number": "1", "password": 5}]}`, `{"version": "1", "numbers": [{"number": "1", "account": {"active": 1}}]}`,
		`{"version": "1", "groups": [{}]}`, `{"version": "1", "groups": [{"name": "S", "active": "yes"}]}`, `{"version": "1", "groups": [{"name": "S", "members": "101"}]}`,
		`{"version": "1", "groups": [{"name": "S", "members": [{"priority": 1}]}]}`, `{"version": "1", "groups": [{"name": "S", "overflow": {"target_number": "101"}}]}`,
		`{"version": "1", "groups": [{"name": "S", "ring_timeout": "30"}]}`, `{"version": "1", "groups": [{"name": "S", "ring_timeout": 30.5}]}`,
		`{"version": "1", "rules": [{}]}`, `{"version": "1", "rules": [{"action": 5}]}`, `{"version": "1", "rules": [{"action": "hangup", "priority": "first"}]}`,
		`{"version": "1", "rules": [{"action": "hangup", "target_group": [3]}]}`, `{"version": "1", "defaults": {"target_number": "101"}}`,
		`{"version": "1", "servers": [{"id": "1"}]}`,
	} {
		if _, _, err := ringside.DecodeDirectory([]byte(doc)); err == nil {
			t.Errorf("%s is taken", doc)
		}
		if contract.ValidBy(s, []byte(doc)) == nil {
			t.Errorf("%s holds to the schema", doc)
		}
	}
}

func TestTheExamplesOfADirectoryAreTakenWithoutAProblem(t *testing.T) {
	for name, example := range load(t, openapi.CRM).Components.Examples {
		if !strings.HasSuffix(name, "Directory") {
			continue
		}
		data, err := json.Marshal(example.Value.Value)
		if err != nil {
			t.Fatal(err)
		}
		_, problems, err := ringside.DecodeDirectory(data)
		problems = slices.DeleteFunc(problems, func(p ringside.Problem) bool { return p.Code == "no-time-zone" && name == "MinimalDirectory" })
		if err != nil || len(problems) > 0 {
			t.Errorf("%s: problems %v, error %v", name, problems, err)
		}
	}
}
