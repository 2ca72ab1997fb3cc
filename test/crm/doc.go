// Package crm tests ringside and a CRM as two programs that are killed at any moment: whatever happens,
// what happened on calls arrives at the CRM, and has one effect there.
package crm
