package ringside

// list reads a list of entities. decode reports whether its entity is of use; identify gives its
// id, to be filled in where it is 0, and its name.
func list[T any](r *docReader, kind string, decode func(*T) bool, identify func(*T) (*int64, string)) []T {
	var all []T
	var useless []int
	before := len(r.problems)
	r.array(func(i int) {
		if r.entry(); r.halted {
			return
		}
		var one T
		if !decode(&one) {
			useless = append(useless, i)
		}
		all = append(all, one)
	})
	if r.halted || len(all) == 0 {
		return nil
	}
	ids, left := make([]int64, len(all)), make([]bool, len(all))
	for i := range all {
		id, _ := identify(&all[i])
		ids[i] = *id
	}
	for _, i := range useless {
		left[i] = true
	}
	twins := settleIDs(ids, left)
	for i := range all {
		id, _ := identify(&all[i])
		*id = ids[i]
		if twins[i] >= 0 {
			r.path = append(r.path, pathStep{index: i}, pathStep{key: []byte("id")})
			r.problem(Faulty, "duplicate-id", "%s[%d] has the id %d too, and this one is left out", r.path[0].key, twins[i], *id)
			r.path = r.path[:len(r.path)-2]
		}
	}
	for k := before; k < len(r.problems); k++ {
		p := &r.problems[k]
		id, name := identify(&all[p.owner])
		p.Kind, p.ID, p.Name = kind, *id, name
	}
	kept := all[:0]
	for i := range all {
		if !left[i] {
			kept = append(kept, all[i])
		}
	}
	return kept
}

// settleIDs gives the entities of a list whose id is 0 one of their own: their position, counted from
// 1, or the lowest number that is free. Those that are left out anyway take no id from another. Of
// several with one id the first stays: the others are left out, too, and their twin is its place; it
// is -1 for all others.
func settleIDs(ids []int64, left []bool) (twins []int) {
	taken := make(map[int64]bool, len(ids))
	for _, id := range ids {
		taken[id] = true
	}
	free := int64(1)
	first := make(map[int64]int, len(ids))
	twins = make([]int, len(ids))
	for i := range ids {
		twins[i] = -1
		if ids[i] == 0 {
			if ids[i] = int64(i) + 1; taken[ids[i]] {
				for taken[free] {
					free++
				}
				ids[i] = free
			}
			taken[ids[i]] = true
		}
		if j, twice := first[ids[i]]; twice && !left[i] {
			left[i], twins[i] = true, j
		} else if !left[i] {
			first[ids[i]] = i
		}
	}
	return twins
}
