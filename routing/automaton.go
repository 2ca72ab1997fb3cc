package routing

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
	"unicode"
)

// Limits of the comparison of two patterns; beyond them nothing is claimed.
const (
	maxStates = 2000
	maxPairs  = 20_000
)

// automaton decides which numbers a pattern matches, one character after the other, so that two
// patterns can be compared. Its states are made as they are reached. It knows the beginning and the
// end of the number, but neither lines nor the borders of words.
type automaton struct {
	prog *syntax.Prog
	// cuts are where the characters that some step tells apart begin, in order.
	cuts   []rune
	known  map[string]int32
	states []state
	// work is how much may still be done, by all automatons of a check together.
	work *int
}

// state is the set of places in the program that a text can lead to.
type state struct {
	at []uint32 // instructions that take a character
	// all: what has been read is a match, whatever follows. end: it is one if nothing follows.
	all, end bool
}

// newAutomaton gives nil for a pattern that asks for more than an automaton knows, and when there
// has been enough work.
func newAutomaton(p *pattern, work *int) *automaton {
	if *work <= 0 {
		return nil
	}
	src := ""
	if p != nil {
		src = p.src
	}
	tree, err := syntax.Parse(src, syntax.Perl)
	if err != nil {
		return nil
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil
	}
	*work -= 10 * len(prog.Inst)
	a := &automaton{prog: prog, known: map[string]int32{}, work: work}
	for i := range prog.Inst {
		in := &prog.Inst[i]
		switch in.Op {
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(in.Arg)&^(syntax.EmptyBeginText|syntax.EmptyEndText) != 0 {
				return nil
			}
		case syntax.InstRune, syntax.InstRune1:
			a.cut(in)
		}
	}
	slices.Sort(a.cuts)
	a.cuts = slices.Compact(a.cuts)
	a.closure([]uint32{uint32(prog.Start)}, true)
	return a
}

func (a *automaton) cut(in *syntax.Inst) {
	if len(in.Rune) == 1 {
		r := in.Rune[0]
		a.cuts = append(a.cuts, r, r+1)
		if syntax.Flags(in.Arg)&syntax.FoldCase != 0 {
			for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
				a.cuts = append(a.cuts, f, f+1)
			}
		}
		return
	}
	for i := 0; i+1 < len(in.Rune); i += 2 {
		a.cuts = append(a.cuts, in.Rune[i], in.Rune[i+1]+1)
	}
}

// closure gives the state that instructions lead to without taking a character; -1 if there are
// too many states. The first one that is asked for is the beginning, state 0.
func (a *automaton) closure(from []uint32, begin bool) int32 {
	var s state
	seen := make(map[uint32]bool, 2*len(from))
	var follow func(pc uint32, end bool)
	follow = func(pc uint32, end bool) {
		if seen[pc] {
			return
		}
		seen[pc] = true
		switch in := &a.prog.Inst[pc]; in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			follow(in.Out, end)
			follow(in.Arg, end)
		case syntax.InstCapture, syntax.InstNop:
			follow(in.Out, end)
		case syntax.InstEmptyWidth:
			op := syntax.EmptyOp(in.Arg)
			if (op&syntax.EmptyBeginText == 0 || begin) && (op&syntax.EmptyEndText == 0 || end) {
				follow(in.Out, end)
			}
		case syntax.InstMatch:
			s.end = true
			s.all = s.all || !end
		case syntax.InstFail:
		default:
			if !end {
				s.at = append(s.at, pc)
			}
		}
	}
	for _, pc := range from {
		follow(pc, false)
	}
	if s.all {
		s.at = nil // what follows does not matter any more
	} else {
		clear(seen)
		for _, pc := range from {
			follow(pc, true)
		}
	}
	slices.Sort(s.at)
	key := []byte{0}
	if s.all {
		key[0] = 2
	} else if s.end {
		key[0] = 1
	}
	for _, pc := range s.at {
		key = binary.AppendUvarint(key, uint64(pc))
	}
	if id, ok := a.known[string(key)]; ok {
		return id
	}
	if len(a.states) == maxStates {
		return -1
	}
	id := int32(len(a.states))
	a.known[string(key)] = id
	a.states = append(a.states, s)
	return id
}

// step gives the state after one more character; -1 if there are too many states or too much work.
func (a *automaton) step(at int32, r rune) int32 {
	s := &a.states[at]
	if s.all {
		return at
	}
	if *a.work -= 10 + 4*len(s.at); *a.work <= 0 {
		return -1
	}
	next := make([]uint32, 0, len(s.at))
	for _, pc := range s.at {
		if in := &a.prog.Inst[pc]; in.MatchRune(r) && !slices.Contains(next, in.Out) {
			next = append(next, in.Out)
		}
	}
	return a.closure(next, false)
}

// runeSpan is a range of characters, both ends included.
type runeSpan struct{ from, to rune }

// written are the characters that a number can have once it has been received: none that control.
func written() []runeSpan {
	return []runeSpan{{' ', '~'}, {0xa0, 0xd7ff}, {0xe000, 0xfffc}, {0xfffe, unicode.MaxRune}}
}

// usual are those among them that an extension, a telephone number or the user of a SIP address
// can have.
func usual() []runeSpan {
	return []runeSpan{
		{' ', '!'},
		{'#', '9'},
		{';', ';'},
		{'=', '='},
		{'?', '?'},
		{'A', 'Z'},
		{'_', '_'},
		{'a', 'z'},
		{'~', '~'},
		{0xa0, 0xd7ff},
		{0xe000, 0xfffc},
		{0xfffe, unicode.MaxRune},
	}
}

// samples gives one character for every set of characters that no cut tells apart.
func samples(domain []runeSpan, cuts ...[]rune) []rune {
	all := slices.Concat(cuts...)
	slices.Sort(all)
	all = slices.Compact(all)
	var out []rune
	for _, span := range domain {
		out = append(out, span.from)
		i, _ := slices.BinarySearch(all, span.from+1)
		for ; i < len(all) && all[i] <= span.to; i++ {
			out = append(out, all[i])
		}
	}
	return out
}

// shortest gives a shortest text that is matched, made of characters of the domain; found is false
// if there is none of at most most characters. known is false if that could not be decided.
func (a *automaton) shortest(domain []runeSpan, most int) (text string, found, known bool) {
	type step struct {
		from  int
		state int32
		r     rune
	}
	chars := samples(domain, a.cuts)
	path := []step{{-1, 0, 0}}
	visited := map[int32]bool{0: true}
	depth, levelEnd := 0, 1
	for i := 0; i < len(path); i++ {
		if i == levelEnd {
			depth, levelEnd = depth+1, len(path)
		}
		if a.states[path[i].state].end {
			var runes []rune
			for at := i; at > 0; at = path[at].from {
				runes = append(runes, path[at].r)
			}
			slices.Reverse(runes)
			return string(runes), true, true
		}
		if depth == most {
			continue
		}
		for _, r := range chars {
			next := a.step(path[i].state, r)
			if next < 0 {
				return "", false, false
			}
			if !visited[next] {
				visited[next] = true
				path = append(path, step{i, next, r})
			}
		}
	}
	return "", false, true
}

// covers reports whether a matches every text that b matches. It is false, too, when that could not
// be decided.
func (a *automaton) covers(b *automaton) bool {
	type pair struct{ a, b int32 }
	chars := samples(written(), a.cuts, b.cuts)
	queue := []pair{{0, 0}}
	visited := map[pair]bool{queue[0]: true}
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		sa, sb := &a.states[p.a], &b.states[p.b]
		if sa.all || len(sb.at) == 0 && !sb.end {
			continue
		}
		if sb.end && !sa.end {
			return false
		}
		for _, r := range chars {
			next := pair{a.step(p.a, r), b.step(p.b, r)}
			if next.a < 0 || next.b < 0 || len(visited) > maxPairs {
				return false
			}
			if !visited[next] {
				visited[next] = true
				queue = append(queue, next)
			}
		}
	}
	return true
}
