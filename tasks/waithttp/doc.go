// Package waithttp is the task wait-http: wait until HTTP servers answer as
// expected. A [Task] is turned into one client per URL (client.go); each attempt
// (probe.go) opens its own connections, judges the answer (expect.go) and closes
// them. What goes wrong is put in words (explain.go, explaintls.go) that stay
// the same from attempt to attempt while the cause does.
package waithttp
