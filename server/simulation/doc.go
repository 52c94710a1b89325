// Package simulation plays phones, supervisors, a bad network and dying servers in one process, by a seed.
package simulation
