// Package dialplan is what the front ends for Asterisk put into its dialplan: dial strings made of
// templates, a decision as channel variables, and texts that others chose, made harmless. It owns no
// state.
//
// Guarantees: nothing but a number that is ringside.Dialable gets into a dial string, and no value of a
// variable can end an argument, begin an expression or break a line.
package dialplan
