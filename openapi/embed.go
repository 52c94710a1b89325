// Package openapi holds the API description and the page that shows it. The
// description (openapi.yaml) is generated from the endpoints, from the comments of the
// types they take and give, and from examples.json, which a test of server records; a test
// of server/httpapi keeps the file in step.
package openapi

import _ "embed"

// Page is the documentation page.
//
//go:embed docs.html
var Page []byte

// Script renders the page from /openapi.yaml. It loads nothing else.
//
//go:embed docs.js
var Script []byte

// Description is the API description (OpenAPI 3.1). Its version is "1": who serves it says which server it is.
//
//go:embed openapi.yaml
var Description []byte
