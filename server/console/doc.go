// Package console serves the supervisors' console and the agents' app: pages that run in the browser and ask the API
// for all they show.
//
// The app (web/phone) is built on the clients of sync/v1 (sync/clients), whose sources it takes as they stand. It is
// installed on phones, and its worker, sw.js, keeps its files for days without network. AppBuild names its build. If a
// worker must be taken back from all phones, node build.mjs --kill-switch builds one that takes itself away.
//
// What the page is made of stands in web/, one npm project, and is built into dist/, which is committed and embedded:
// a clone runs without Node. scripts/test builds dist/ again and fails if it differs.
//
// After a change in web/:
//
//	npm ci --ignore-scripts     once
//	node build.mjs              types of openapi.yaml, then dist/; fails on a part over its budget
//	npm run check               the compiler and the linter
//	DOORSTEP=PROGRAM npm test   the real program in Chromium; pictures of all screens come to test/shots
//
// README_SHOT=FILE makes the tests take README's picture too. A language is a file in web/words and a line in
// web/shared/words.ts; the app's are in web/phone/words.
//
// Exports are verified in the page by a second implementation of server/audit's Verify, in web/console/audit, which
// asks no server; a test holds the two against each other. A decision of the inbox is sent ten seconds after it was
// made, or when the user signs out (web/console/pending.ts), and acts on a case say which revision was seen (X-Seen-
// Rev).
//
// The package knows no data and no users. Its files are the same for everybody and hold nothing secret; the API
// (server/httpapi) judges each request that the page makes. The page runs under a strict policy: scripts, styles and
// requests of this server alone, none inline, none evaluated.
package console
