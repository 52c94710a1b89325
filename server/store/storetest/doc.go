// Package storetest is the contract of a journal.Store as a test suite. Every
// engine runs it; what an engine needs beyond it does not exist.
package storetest
