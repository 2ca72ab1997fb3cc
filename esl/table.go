package esl

import "strings"

// maxRows bounds how much of one table is kept.
const maxRows = 100_000

// readTable reads what mod_callcenter prints: a line of names and a line for each row, separated by "|" and
// quoted by nothing. Surplus belongs to the column that anybody may fill freely; a row that lacks something
// was cut by a line break in it, and is left out.
func readTable(printed, free string) (rows []map[string]string) {
	var names []string
	place := -1
	for text := range strings.Lines(printed) {
		text = strings.TrimRight(text, "\r\n")
		if text == "" || text == "+OK" || strings.HasPrefix(text, "-ERR") {
			continue
		}
		cells := strings.Split(text, "|")
		if names == nil {
			names = cells
			for i, name := range names {
				if name == free {
					place = i
				}
			}
			continue
		}
		surplus := len(cells) - len(names)
		if surplus < 0 || surplus > 0 && place < 0 || len(rows) >= maxRows {
			continue
		}
		row := make(map[string]string, len(names))
		for i, name := range names {
			switch {
			case i < place || place < 0:
				row[name] = cell(cells[i])
			case i == place:
				row[name] = cell(strings.Join(cells[i:i+surplus+1], "|"))
			default:
				row[name] = cell(cells[i+surplus])
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// cell is a value as it is kept.
func cell(s string) string {
	if s == "(null)" {
		return ""
	}
	return kept(s)
}
