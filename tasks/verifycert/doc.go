// Package verifycert is the task verify-cert: check mounted TLS material, or what
// a server presents, and say what is wrong with it before anything depends on it.
package verifycert
