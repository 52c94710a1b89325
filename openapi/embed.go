// Package openapi holds the page that shows the API description. The
// description itself (openapi.yaml) is generated from the endpoints; a test
// keeps the file in step with them.
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
