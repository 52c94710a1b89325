// Package clients makes clients of the API description with other people's generators, to
// see that they compile: scripts/test does it. openapi-typescript, orval and hey-api are
// run by npm (../package.json), ogen and oapi-codegen from here. What they make stands in
// made, which is not kept.
//
// It is a module of its own, so that the generators are no dependencies of the product.
// Run go mod tidy without made.
package clients

import _ "github.com/oapi-codegen/runtime" // of the client that oapi-codegen makes
