package agi

import (
	"net/url"
	"testing"
)

func FuzzQuery(f *testing.F) {
	for _, s := range []string{
		"", "id=1", "id=1&id=2", "a=1&id=x%20y", "id", "id=&id=2", "%69d=3", "i+d=1&id=+", "id=%zz&id=4", "id=5;a=1&id=6", "a;id=1", "&&=&id=7", "id=%00",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, _ := url.ParseQuery(s)
		for _, key := range []string{"id", "token"} {
			if query(s).Get(key) != want.Get(key) {
				t.Errorf("%s of %q is %q, and for net/url %q", key, s, query(s).Get(key), want.Get(key))
			}
		}
	})
}
