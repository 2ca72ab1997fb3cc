// Package openapi holds the contract between ringside and a CRM: what the CRM implements, and what
// ringside serves. Its tests keep both documents true to the code.
package openapi

import "embed"

// The names of the documents in Files.
const (
	CRM      = "crm.yaml"
	Ringside = "ringside.yaml"
)

// Files are the documents.
//
//go:embed crm.yaml ringside.yaml
var Files embed.FS
