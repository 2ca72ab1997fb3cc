// Package channeltest is a PBX for tests: phones with habits, and a ringside.Channel that rings
// them. It keeps the rules of the real thing (a phone that is busy says so, the first to answer
// stops the others, a caller who leaves ends everything) and notes what no PBX may see: one phone
// rung twice at once by ring groups.
package channeltest
