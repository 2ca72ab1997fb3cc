// Package plan writes FreeSWITCH's dialplan: the lines that hand calls to ringside, with what becomes of them
// behind it, and the rules of a directory as FreeSWITCH's own, for a FreeSWITCH that routes alone; also as an
// answer to mod_xml_curl. It owns no state but the document that is served.
//
// Guarantees: what it writes is well-formed XML, in which no name, pattern or number of a directory can be
// anything but text, for the parser and for FreeSWITCH's own expansion of variables. What FreeSWITCH can't do
// as the engine does is left out or widened to the fallback, and named in the document and to the caller.
//
// Source: mod_dialplan_xml, switch_xml.c and mod_xml_curl of FreeSWITCH 1.10.12 to 1.11.2.
package plan
