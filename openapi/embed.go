// Package openapi holds the page that shows the API description. The
// description itself (openapi.yaml) is generated from the endpoints; a test
// fails if the file differs from them.
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
