// Package openapi holds the API description and the page that shows it. The
// description (openapi.yaml) is generated from the endpoints and from the comments of
// the types they take and give; a test of server/httpapi keeps the file in step.
package openapi

import _ "embed"

// Page is the documentation page.
//
//go:embed docs.html
var Page []byte

// Script draws the page from /openapi.yaml; it loads nothing from elsewhere.
//
//go:embed docs.js
var Script []byte

// Description is the API description (OpenAPI 3.1). Its version is "1": who serves it says which server it is.
//
//go:embed openapi.yaml
var Description []byte
