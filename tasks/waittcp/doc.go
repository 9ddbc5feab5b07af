// Package waittcp is the task wait-tcp: wait until TCP ports or unix sockets
// accept connections, or until nothing listens on them anymore.
package waittcp
