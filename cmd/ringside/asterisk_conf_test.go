package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
)

// confFiles is a folder of files in memory.
type confFiles map[string]string

func (f confFiles) reader() confReader {
	return confReader{
		read: func(name string) ([]byte, error) {
			text, ok := f[name]
			switch {
			case !ok:
				return nil, fs.ErrNotExist
			case text == "SECRET":
				return nil, fs.ErrPermission
			}
			return []byte(text), nil
		},
		glob: func(pattern string) (found []string, err error) {
			for name := range f {
				if ok, err := path.Match(pattern, name); err != nil {
					return nil, err
				} else if ok {
					found = append(found, name)
				}
			}
			return found, nil
		},
	}
}

// written writes what was read, one section a line.
func written(c *asteriskConf) string {
	var b strings.Builder
	for _, s := range c.sections {
		b.WriteString("[" + s.name + "]")
		if s.template {
			b.WriteString("!")
		}
		for _, v := range s.vars {
			fmt.Fprintf(&b, " %s=%s", v.name, v.value)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestAsteriskConf(t *testing.T) {
	for _, x := range []struct{ name, text, want string }{
		{"both equals signs and spaces", "[a]\nx=1\n y => 2 \n z\t=\t3\n", "[a] x=1 y=2 z=3\n"},
		{"a value keeps what follows the first sign", "[a]\nx = a=b=>c\n", "[a] x=a=b=>c\n"},
		{"comments", "; one\n[a] ; two\nx = 1 ; three\n;y = 2\n", "[a] x=1\n"},
		{"a semicolon with a backslash", "[a]\nx = a\\;b\n", "[a] x=a;b\n"},
		{"comments over lines", "[a]\nx = 1;-- no\ny = 2\n--; z = 3\n", "[a] x=1 z=3\n"},
		{"comments over lines, and what follows", "[a]\n;-- no\ny = 2 --;\nz = 3\n", "[a] z=3\n"},
		{"comments within comments", "[a]\n;-- ;-- --;\nx = 1\n--;\ny = 2\n", "[a] y=2\n"},
		{"a rule of dashes is an ordinary comment", "[a]\n;--------\nx = 1\n", "[a] x=1\n"},
		{"templates", "[t](!)\nx = 1\n[a](t)\ny = 2\n[b](t)\nx = 3\n", "[t]! x=1\n[a] x=1 y=2\n[b] x=1 x=3\n"},
		{"a template of two", "[t](!)\nx = 1\n[u](!,t)\ny = 2\n[a](u)\n", "[t]! x=1\n[u]! x=1 y=2\n[a] x=1 y=2\n"},
		{"additions", "[a]\nx = 1\n[b]\n[a](+)\ny = 2\n", "[a] x=1 y=2\n[b]\n"},
		{"an addition to nothing ends the file", "[a](+)\ny = 2\n[b]\n", ""},
		{"a value that is added to", "[a]\nread = call\nread += agent\n", "[a] read=call read=call,agent\n"},
		{"a line before the first section ends the file", "x = 1\n[a]\n", ""},
		{"an included file goes on in its section", "[a]\n#include \"b.conf\"\nx = 1\n", "[a] in=b x=1\n[c] of=b\n"},
		{"all that a pattern names", "#include <d/*.conf>\n", "[d1]\n[d2]\n"},
		{"trying", "#tryinclude none.conf\n[a]\n", "[a]\n"},
		{"a file that includes itself", "[a]\n#include a.conf\n", "[a]\n" + strings.Repeat("[a]\n", 10)},
		{"line ends of Windows, and a mark of the byte order", "\xef\xbb\xbf[a]\r\nx = 1\r\n", "[a] x=1\n"},
	} {
		t.Run(x.name, func(t *testing.T) {
			files := confFiles{
				"/etc/a.conf": x.text, "/etc/b.conf": "in = b\n[c]\nof = b\n", "/etc/d/1.conf": "[d1]\n", "/etc/d/2.conf": "[d2]\n",
			}
			c, err := loadConf("/etc", "a.conf", files.reader())
			if err != nil {
				t.Fatal(err)
			}
			if got := written(c); got != x.want {
				t.Errorf("it reads\n%swant\n%s(%q)", got, x.want, c.faults)
			}
		})
	}
}

func TestAsteriskConfTellsWhatItCouldNotRead(t *testing.T) {
	files := confFiles{"/etc/a.conf": "#include b.conf\n#include none.conf\n#exec /bin/true\n[a\n", "/etc/b.conf": "SECRET"}
	c, err := loadConf("/etc", "a.conf", files.reader())
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"/etc/b.conf", "/etc/none.conf", "#exec /bin/true"}; !slices.Equal(c.unread, want) {
		t.Errorf("unread are %q", c.unread)
	}
	if len(c.faults) != 1 {
		t.Errorf("the faults are %q", c.faults)
	}
	if _, err := loadConf("/etc", "none.conf", files.reader()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there gives %v", err)
	}
}

func TestSectionsOfAsteriskConf(t *testing.T) {
	c, err := loadConf("/", "a", confFiles{"/a": "[u](!)\nread = all\n[U]\nsecret = 1\n[v]\n[u]\nsecret = 2\nwrite = call\n"}.reader())
	if err != nil {
		t.Fatal(err)
	}
	if got := c.section("u").value("secret"); got != "1" {
		t.Errorf("the first one's secret is %q", got)
	}
	u := c.whole("u")
	if u.value("secret") != "2" || u.value("write") != "call" || u.value("read") != "" || !u.has("Write") {
		t.Errorf("the whole user is %+v", u)
	}
	if c.section("none").value("x") != "" || c.whole("none") != nil {
		t.Error("there is a section that is not there")
	}
}

func FuzzAsteriskConf(f *testing.F) {
	for _, seed := range []string{
		"[general]\nenabled = yes\n;-- x\n--;\n[u](!)\nread = all\n[v](u,+)\n#include \"b.conf\"\n", "[a](+)\n", "[a]\nx\\;=>;--;--\n", "[", "#include", "[a](", "a\x00=b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := loadConf("/etc", "a.conf", confFiles{"/etc/a.conf": text, "/etc/b.conf": text}.reader())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range c.sections {
			for _, v := range s.vars {
				if strings.ContainsAny(v.name+v.value, "\n") || v.name != strings.TrimSpace(v.name) {
					t.Errorf("[%s] has %q = %q", s.name, v.name, v.value)
				}
			}
		}
	})
}
