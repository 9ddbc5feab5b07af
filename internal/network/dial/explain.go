package dial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/initbox/initbox/internal/fault"
)

// explain returns cause in our words, with the next step to try.
func explain(cause error, next, format string, args ...any) error {
	return &fault.Error{Err: fault.Reword(cause, fmt.Sprintf(format, args...)), Next: next}
}

// explainName says why a name does not resolve.
func explainName(ctx context.Context, host string, err error) error {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return explain(err, lookService(host), "the name %s does not resolve: no such host", host)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &dns) && dns.IsTimeout:
		return explain(err, "check CoreDNS (kubectl -n kube-system get pods -l k8s-app=kube-dns) and that NetworkPolicy allows port 53",
			"the name %s does not resolve: the DNS server did not answer in time", host)
	case ctx.Err() != nil:
		return err
	case errors.As(err, &dns):
		// In an air-gapped cluster, DNS has no server to ask about other domains and
		// gives this answer to every name that the cluster does not know.
		return explain(err, lookService(host)+"; if it does, check CoreDNS: kubectl -n kube-system get pods -l k8s-app=kube-dns",
			"the name %s does not resolve: %s", host, dns.Err)
	default:
		return explain(err, "", "the name %s does not resolve: %v", host, err)
	}
}

// lookService is the next step for a name that does not exist. A Service in
// another namespace needs that namespace in its name. A name with two dots and
// no ".svc" is most likely not a Service.
func lookService(host string) string {
	service, rest, _ := strings.Cut(host, ".")
	if strings.Contains(rest, ".") && !strings.Contains(host, ".svc") {
		return "check the spelling, and whether the cluster's DNS (CoreDNS) and NetworkPolicy let pods reach what is outside; " +
			"for a Service: kubectl get service -A | grep " + service
	}
	next := "check the spelling and that the Service exists: kubectl get service -A | grep " + service
	if rest == "" {
		next += "; in another namespace its name is " + service + ".NAMESPACE"
	}
	return next + "; a headless one (CLUSTER-IP None) needs a ready pod"
}

// explainConnect says why there is no connection to where, an address and port.
func explainConnect(where string, err error) error {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return explain(err, "look at the Service's endpoints (kubectl get endpointslices) and at the target's own pods and port",
			"connection refused by %s: nothing listens there, or the Service has no ready endpoint", where)
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return explain(err, lookPort(where)+"; then check that the node has a route there, and the pod network (CNI)",
			"no route to %s", where)
	case errors.Is(err, syscall.ECONNRESET):
		return explainReset(where, err)
	case timedOut(err):
		return explain(err, lookPort(where)+"; then check NetworkPolicy, firewall or security group, and whether a service mesh is up before init containers run",
			"no answer from %s in time: the packets are dropped or the host is gone", where)
	default:
		return explain(err, "", "no connection to %s: %v", where, System(err))
	}
}

// timedOut reports whether no answer came in time. The network's own deadline
// may differ from that of the context.
func timedOut(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// lookPort is the next step for an address that does not answer. Packets to a
// port that a Service does not have are lost.
func lookPort(where string) string {
	host, port, _ := net.SplitHostPort(where)
	return fmt.Sprintf("if it is a Service, check that it has port %s (kubectl get service -A | grep %s) and ready pods (kubectl get endpointslices)", port, host)
}

// explainReset explains a peer that accepted the connection and then closed it.
func explainReset(where string, err error) error {
	return explain(err, "look at the backend behind the proxy or Service (Envoy, kube-proxy, docker-proxy): kubectl get endpointslices",
		"%s accepted the connection and closed it at once: a proxy answers for a backend that is not there", where)
}

func explainSocket(a Address, err error) error {
	switch {
	case errors.Is(err, syscall.ENOENT):
		return explain(err, "check that both containers mount the same volume and that the other one makes the socket",
			"there is no socket %s", a.Path)
	case errors.Is(err, syscall.ECONNREFUSED):
		return explain(err, "the file is left from an earlier run, or its server has not started: look at that container's log",
			"connection refused by the socket %s: nobody listens", a.Path)
	case errors.Is(err, syscall.EACCES):
		return explain(err, fmt.Sprintf("give UID %d access (securityContext.fsGroup or runAsUser, or the server's socket mode)", os.Getuid()),
			"permission denied for the socket %s as UID %d", a.Path, os.Getuid())
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, syscall.EAGAIN):
		return explain(err, "the server is overloaded or hangs: look at its log",
			"no answer from the socket %s: its queue of connections is full", a.Path)
	default:
		return explain(err, "", "no connection to the socket %s: %v", a.Path, System(err))
	}
}

// Ended explains why an open connection ended or reading from it failed.
func Ended(conn net.Conn, err error) error {
	where := Where(conn)
	if Closed(err) {
		return explainReset(where, err)
	}
	return explain(err, "", "the connection to %s failed: %v", where, System(err))
}

// Where returns the remote end of conn: address and port, or the path of a
// socket.
func Where(conn net.Conn) string {
	if where := conn.RemoteAddr().String(); where != "" {
		return where
	}
	return conn.LocalAddr().String()
}

// Closed reports whether err means that the peer has ended the connection.
func Closed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// System returns the system's part of a network error, without the local
// address, which differs at every attempt.
func System(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}
