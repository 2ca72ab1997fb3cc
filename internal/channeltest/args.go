package channeltest

// Args splits an argument as Asterisk does (AST_STANDARD_APP_ARGS), at most into limit parts. Delimiters
// within brackets or quotes part nothing; quotes and backslashes are taken away. Brackets that were opened in
// one part stay open in the next.
func Args(arg string, delimiter byte, limit int) []string {
	var parts []string
	var round, square int
	quoted := false
	for arg != "" && len(parts) < limit-1 {
		var part []byte
		i, parted := 0, false
		for ; i < len(arg) && !parted; i++ {
			switch c := arg[i]; {
			case c == '"':
				quoted = !quoted
			case c == '\\':
				if i++; i < len(arg) {
					part = append(part, arg[i])
				}
			case c == delimiter && round == 0 && square == 0 && !quoted:
				parted = true
			default:
				round, square = depth(c, '(', ')', round), depth(c, '[', ']', square)
				part = append(part, c)
			}
		}
		parts = append(parts, string(part))
		if !parted {
			return parts
		}
		if arg = arg[i:]; arg == "" {
			return append(parts, "")
		}
	}
	if arg != "" {
		parts = append(parts, arg)
	}
	return parts
}

// depth is how many brackets are open after c.
func depth(c, opens, closes byte, n int) int {
	switch c {
	case opens:
		return n + 1
	case closes:
		return max(0, n-1)
	}
	return n
}
