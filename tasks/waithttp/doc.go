// Package waithttp is the task wait-http: wait until HTTP servers answer as
// expected. A [Task] makes one prober per URL, all with the same client
// (client.go). Each attempt (probe.go) opens its own connections, judges the
// answer (expect.go) and closes them. The messages about failures (explain.go,
// explaintls.go) stay the same from attempt to attempt as long as the cause does.
package waithttp
