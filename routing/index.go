package routing

import (
	"cmp"
	"slices"
)

// index finds the rules that a number could match without looking at the others. Each rule is
// filed under the literal beginnings of one of its two patterns, the one that fewer rules share; a
// rule without literal beginnings is filed under none and always looked at.
type index struct {
	caller, called trie
	// general are the rules without literal beginnings, in order.
	general []int32
}

func buildIndex(rules []rule) index {
	share := map[string]int{}
	for i := range rules {
		for _, b := range rules[i].caller.beginnings() {
			share["<"+b]++
		}
		for _, b := range rules[i].called.beginnings() {
			share[">"+b]++
		}
	}
	load := func(side string, prefixes []string) (n int) {
		for _, b := range prefixes {
			n += share[side+b]
		}
		return n
	}
	var ix index
	ix.caller, ix.called = newTrie(), newTrie()
	for i := range rules {
		caller, called := rules[i].caller.beginnings(), rules[i].called.beginnings()
		switch {
		case caller == nil && called == nil:
			ix.general = append(ix.general, int32(i))
		case called == nil, caller != nil && load("<", caller) < load(">", called):
			ix.caller.add(caller, int32(i))
		default:
			ix.called.add(called, int32(i))
		}
	}
	ix.caller.finish()
	ix.called.finish()
	return ix
}

func (p *pattern) beginnings() []string {
	if p == nil {
		return nil
	}
	return p.prefixes
}

// burst is how many rules a node holds before it is split by their next byte: a short list costs
// less than another node.
const burst = 8

// trie files rules by prefix. A node holds the rules whose prefix ends there, or goes on below a
// node that is not split yet; the child for a byte is found in a short list, since numbers are
// made of few different characters.
type trie struct {
	nodes []node
	// building is what nodes hold while the trie grows; finish flattens it into lists.
	building [][]entry
	lists    []filed
}

type node struct {
	first, count int32 // the rules, in trie.lists, in ascending order
	child        [12]int32
	// rare leads to children for bytes other than digits and "+".
	rare map[byte]int32
}

// filed is a rule with what its prefix goes on with below its node, as far as eight bytes hold it,
// so that most rules are passed over without a look at them.
type filed struct {
	rest uint64
	rule int32
	bits uint8 // of rest
}

func file(rest string, rule int32) filed {
	rest = rest[:min(len(rest), 8)]
	return filed{rest: peek(rest), rule: rule, bits: uint8(8 * len(rest))}
}

// goesOn reports whether the text that was peeked at may go on like the prefix.
func (f *filed) goesOn(ahead uint64) bool { return (f.rest^ahead)<<(64-f.bits) == 0 }

// peek gives the first eight bytes of a text as a number, the first byte lowest.
func peek(s string) (v uint64) {
	if len(s) >= 8 {
		return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
	}
	for i := range len(s) {
		v |= uint64(s[i]) << (8 * i)
	}
	return v
}

type entry struct {
	rest string // what is left of the prefix below this node
	rule int32
}

func newTrie() trie {
	return trie{nodes: make([]node, 1), building: make([][]entry, 1)}
}

func (t *trie) add(prefixes []string, rule int32) {
	for _, p := range prefixes {
		t.insert(0, p, rule)
	}
}

func (t *trie) insert(at int32, rest string, rule int32) {
	for rest != "" {
		next := t.nodes[at].next(rest[0])
		if next == 0 {
			break
		}
		at, rest = next, rest[1:]
	}
	t.building[at] = append(t.building[at], entry{rest, rule})
	t.split(at)
}

// split moves the entries that go on below a full node to children of it.
func (t *trie) split(at int32) {
	going := 0
	for _, e := range t.building[at] {
		if e.rest != "" {
			going++
		}
	}
	if going <= burst {
		return
	}
	moved := t.building[at]
	var stay []entry
	for _, e := range moved {
		if e.rest == "" {
			stay = append(stay, e)
			continue
		}
		next := t.nodes[at].next(e.rest[0])
		if next == 0 {
			next = int32(len(t.nodes))
			t.nodes = append(t.nodes, node{})
			t.building = append(t.building, nil)
			t.nodes[at].set(e.rest[0], next)
		}
		t.building[next] = append(t.building[next], entry{e.rest[1:], e.rule})
	}
	t.building[at] = stay
	for _, next := range t.nodes[at].child {
		if next != 0 {
			t.split(next)
		}
	}
	for _, next := range t.nodes[at].rare {
		t.split(next)
	}
}

// finish flattens the lists. A rule may stand in one list with several of its prefixes.
func (t *trie) finish() {
	for i, entries := range t.building {
		n := &t.nodes[i]
		n.first = int32(len(t.lists))
		slices.SortStableFunc(entries, func(a, b entry) int { return cmp.Compare(a.rule, b.rule) })
		for _, e := range entries {
			t.lists = append(t.lists, file(e.rest, e.rule))
		}
		n.count = int32(len(t.lists)) - n.first
	}
	t.building = nil
}

func slot(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c == '+':
		return 10
	case c == '*':
		return 11
	}
	return -1
}

func (n *node) next(c byte) int32 {
	if s := slot(c); s >= 0 {
		return n.child[s]
	}
	return n.rare[c]
}

func (n *node) set(c byte, to int32) {
	if s := slot(c); s >= 0 {
		n.child[s] = to
		return
	}
	if n.rare == nil {
		n.rare = map[byte]int32{}
	}
	n.rare[c] = to
}

// lead visits every rule that could match a call with these numbers, in no order and perhaps twice,
// until visit says no.
func (ix *index) lead(called, caller string, visit func(rule int32) bool) {
	if ix.called.lead(called, visit) && ix.caller.lead(caller, visit) {
		for _, r := range ix.general {
			if !visit(r) {
				return
			}
		}
	}
}

func (t *trie) lead(s string, visit func(rule int32) bool) bool {
	at := int32(0)
	for i := 0; ; i++ {
		n := &t.nodes[at]
		ahead := peek(s[i:])
		for _, f := range t.lists[n.first : n.first+n.count] {
			if f.goesOn(ahead) && !visit(f.rule) {
				return false
			}
		}
		if i == len(s) {
			return true
		}
		if at = n.next(s[i]); at == 0 {
			return true
		}
	}
}
