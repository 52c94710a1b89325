// Package auth says who is calling and what they may do: passwords, access
// tokens, refresh families, devices, roles and the table of permissions.
package auth
