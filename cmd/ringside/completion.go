package main

import (
	"fmt"
	"sort"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Run implements the command. The scripts are made from the command line's own model, so they can't
// fall behind it.
func (c *completionCmd) Run(p *program) error {
	paths := map[string][]string{}
	collect(p.model.Node, "", paths)
	var keys []string
	for k := range paths {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var b strings.Builder
	switch c.Shell {
	case "fish":
		fish(&b, p.model.Node, nil)
	case "zsh":
		b.WriteString("#compdef ringside\nautoload -U +X bashcompinit && bashcompinit\n")
		bash(&b, keys, paths)
	default:
		bash(&b, keys, paths)
	}
	_, err := fmt.Fprint(p.out, b.String())
	return err
}

// collect gathers, for every command path, the words that may follow it.
func collect(n *kong.Node, path string, into map[string][]string) {
	var words []string
	for _, child := range n.Children {
		if child.Hidden {
			continue
		}
		words = append(words, child.Name)
		collect(child, strings.TrimSpace(path+" "+child.Name), into)
	}
	for _, group := range n.AllFlags(true) {
		for _, f := range group {
			words = append(words, "--"+f.Name)
		}
	}
	into[path] = words
}

func bash(b *strings.Builder, keys []string, paths map[string][]string) {
	b.WriteString(`_ringside() {
  local word="${COMP_WORDS[COMP_CWORD]}" path="" w
  for w in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$w" in -*) ;; *) path="${path:+$path }$w" ;; esac
  done
  local words=""
  case "$path" in
`)
	for _, k := range keys {
		fmt.Fprintf(b, "    %q) words=%q ;;\n", k, strings.Join(paths[k], " "))
	}
	b.WriteString(`  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$word"))
}
complete -o filenames -F _ringside ringside
`)
}

func fish(b *strings.Builder, n *kong.Node, above []string) {
	condition := "__fish_use_subcommand"
	if len(above) > 0 {
		condition = "__fish_seen_subcommand_from " + above[len(above)-1]
	}
	for _, child := range n.Children {
		if child.Hidden {
			continue
		}
		fmt.Fprintf(b, "complete -c ringside -f -n %s -a %s -d %s\n", shellQuote(condition), child.Name, shellQuote(child.Help))
		for _, f := range child.Flags {
			fmt.Fprintf(b, "complete -c ringside -n %s -l %s -d %s\n",
				shellQuote("__fish_seen_subcommand_from "+child.Name), f.Name, shellQuote(f.Help))
		}
		fish(b, child, append(above, child.Name))
	}
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
