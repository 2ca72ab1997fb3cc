// Package configs holds the files that ringside ships: the commented example configuration, the
// demo directory, the dialplan for Asterisk and a systemd unit. They are embedded, so that the one
// binary can print them; tests keep them true to the code.
package configs

import _ "embed"

// Example is the commented example configuration, with every key at its default.
//
//go:embed ringside.yaml
var Example string

// Demo is the directory of the demo: two groups, working hours, a queue and a forward.
//
//go:embed demo-directory.yaml
var Demo []byte

// Asterisk is the template (text/template) of the dialplan to paste into extensions.conf.
//
//go:embed extensions.conf.tmpl
var Asterisk string

// Unit is the systemd unit.
//
//go:embed ringside.service
var Unit string
