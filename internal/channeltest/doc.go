// Package channeltest is a PBX for tests: phones with habits, and a ringside.Channel that rings
// them. It keeps the rules of the real thing (a phone that is busy says so, the first to answer
// stops the others, a caller who leaves ends everything) and notes what no PBX may see: one phone
// rung twice at once by ring groups.
//
// Conform holds a front end to the port. What a caller and phones do is the same on every PBX: a Line
// knows it, and a front end's own tests put the wire of their PBX around it, as a Door.
package channeltest
