package main

import (
	"strings"
	"testing"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/configs"
)

func TestDirectoryFileErrorsNameLineAndColumn(t *testing.T) {
	cases := []struct{ name, file, text, want string }{
		{"wrong type", "d.yaml", "version: 1\nrules:\n  - {id: 1, action: hangup}\n  - id: 2\n    priority: high\n    action: hangup\n", ":5:15: rules[1].priority"},
		{"missing key", "d.yaml", "version: 1\nrules:\n  - id: 1\n", ":3:5: rules[0].action"},
		{"syntax", "d.yaml", "version: [\n", "line "},
		{"empty", "d.yaml", "", "the file is empty"},
		{"merge key", "d.yaml", "version: 1\n<<: {a: 1}\n", "line 2: only plain keys"},
		{"json", "d.json", "{\"version\": \"1\",\n \"rules\": [{\"id\": 1, \"action\": 5}]}", ":2:"},
		{"broken json", "d.json", "{\"version\": \"1\",\n", ":2:"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			doc, err := parseDocument(c.file, []byte(c.text))
			if err == nil {
				_, _, err = doc.load()
			}
			if err == nil {
				t.Fatal("the document was accepted")
			}
			if !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), c.file) {
				t.Errorf("got %q, want the file and %q", err, c.want)
			}
		})
	}
}

func TestProblemsOfADirectoryFileNameTheirLine(t *testing.T) {
	doc, err := parseDocument("d.yaml", []byte("version: 1\ntime_zone: Europe/Moscow\nrules:\n  - id: 4\n    name: Mobiles\n    action: hangup\n    caller_id_pattern: '(?=7)'\n"))
	if err != nil {
		t.Fatal(err)
	}
	_, problems, err := doc.load()
	if err != nil || len(problems) != 1 {
		t.Fatalf("problems %v, error %v", problems, err)
	}
	p := problems[0]
	if p.Line != 7 || p.ID != 4 || p.Name != "Mobiles" || p.Field != "caller_id_pattern" || !strings.Contains(p.Hint, "look-around") {
		t.Errorf("got %+v", p)
	}
}

func TestProblemIsFoundBehindEntitiesThatWereLeftOut(t *testing.T) {
	doc, err := parseDocument("d.yaml", []byte("version: 1\ntime_zone: UTC\nrules:\n  - {id: 1, action: hangup}\n  - {id: 1, action: hangup}\n  - {id: 2, action: nope}\n"))
	if err != nil {
		t.Fatal(err)
	}
	_, problems, err := doc.load()
	if err != nil || len(problems) != 2 {
		t.Fatalf("problems %v, error %v", problems, err)
	}
	if p := problems[1]; p.Code != "unknown-action" || p.Line != 6 {
		t.Errorf("the problem of rule 2 is said to be in line %d: %s", p.Line, p)
	}
}

func TestYAMLScalarsKeepTheirDigits(t *testing.T) {
	doc, err := parseDocument("d.yaml", []byte("version: 007\na: 0101\nb: +7495\nc: 1.50\nd: yes\ne: 2027-01-08\nf: ~\ng: 12\nh: true\ni: \"12\"\nj: 1e5\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"version":"007","a":"0101","b":"+7495","c":1.5,"d":"yes","e":"2027-01-08","f":null,"g":12,"h":true,"i":"12","j":100000}`
	if string(doc.json) != want {
		t.Errorf("got  %s\nwant %s", doc.json, want)
	}
}

func TestYAMLBombIsRefused(t *testing.T) {
	text := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'j'; c++ {
		prev := string(c - 1)
		text += string(c) + ": &" + string(c) + " [" + strings.TrimSuffix(strings.Repeat("*"+prev+",", 10), ",") + "]\n"
	}
	if _, err := parseDocument("d.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("got %v", err)
	}
}

func TestDemoDirectoryIsSound(t *testing.T) {
	doc, err := parseDocument("demo", configs.Demo)
	if err != nil {
		t.Fatal(err)
	}
	dir, problems, err := doc.load()
	if err != nil || len(problems) > 0 {
		t.Fatalf("problems %v, error %v", problems, err)
	}
	if d := dir.Document(); len(d.Groups) != 2 || len(d.Rules) == 0 {
		t.Errorf("got %d groups and %d rules", len(d.Groups), len(d.Rules))
	}
}

func FuzzDocument(f *testing.F) {
	f.Add([]byte("version: 1\nrules: [{id: 1, action: hangup}]\n"))
	f.Add([]byte(`{"version": "1", "groups": [{"name": "x", "members": [101]}]}`))
	f.Add([]byte("a: &x [*x]\n"))
	f.Add(configs.Demo)
	f.Fuzz(func(t *testing.T, text []byte) {
		doc, err := parseDocument("f", text)
		if err != nil {
			return
		}
		_, problems, err := doc.load()
		if err != nil && !strings.HasPrefix(err.Error(), "f") {
			t.Errorf("the error does not name the file: %v", err)
		}
		for _, p := range problems {
			if p.Severity != ringside.Faulty && p.Severity != ringside.Doubtful {
				t.Errorf("a problem without severity: %+v", p)
			}
		}
	})
}
