// Package verifycert is the task verify-cert: check mounted TLS material, or the
// certificate of a server, and say what is wrong with it before anything depends
// on it.
package verifycert
