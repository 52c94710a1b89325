// Package console serves the supervisors' console: a page that runs in the browser and asks the API for all it shows.
//
// What the page is made of stands in web/, one npm project, and is built into dist/, which is committed and embedded:
// a clone runs without Node. scripts/test builds dist/ again and fails if it differs.
//
// The package knows no data and no users. Its files are the same for everybody and hold nothing secret; the API
// (server/httpapi) judges each request that the page makes. The page runs under a strict policy: scripts, styles and
// requests of this server alone, none inline, none evaluated.
package console
