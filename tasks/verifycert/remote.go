package verifycert

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"

	"github.com/initbox/initbox/internal/flags"
	"github.com/initbox/initbox/internal/network/dial"
	"github.com/initbox/initbox/internal/network/starttls"
	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/tasks"
)

// remotes makes a set for each server of the certificates that it presents.
func (v *verifier) remotes(ctx context.Context) {
	for i, a := range v.wanted.remotes {
		if ctx.Err() != nil {
			return
		}
		name := v.task.Remotes[i]
		s := &set{name: name, kind: "remote"}
		asked := cmp.Or(v.task.ServerName, strings.TrimSuffix(a.Host, "."))
		if ip, err := netip.ParseAddr(asked); err == nil {
			s.ip = ip
		} else {
			s.dnsName = asked
		}
		chain, err := v.present(ctx, a, s.dnsName)
		var unparsable *unparsableError
		switch {
		case errors.As(err, &unparsable):
			s.findings.Add(finding.CertMalformed, name, 0, "%s", unparsable.text)
			v.unchecked(ctx, s)
		case err != nil:
			v.report.connections = append(v.report.connections, &tasks.Error{Err: fmt.Errorf("%s: %w", name, err), Next: tasks.NextOf(err)})
		default:
			s.certs, s.findings = cert.FromChain(chain, name)
			v.add(ctx, s)
		}
	}
}

// present returns the chain that the server at a presents. It trusts the
// connection with nothing: it makes only the handshake.
func (v *verifier) present(ctx context.Context, a dial.Address, sni string) ([]*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, v.task.AttemptTimeout)
	defer cancel()
	conn, err := v.dialer.Dial(ctx, a)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	where := dial.Where(conn)
	if v.task.StartTLS != "" {
		if err := starttls.Upgrade(ctx, conn, v.task.StartTLS); err != nil {
			return nil, explainStartTLS(v.task.StartTLS, where, err)
		}
	}
	var chain []*x509.Certificate
	client := tls.Client(conn, &tls.Config{
		ServerName:         sni,
		InsecureSkipVerify: true, // our own rules check the chain and say more than an error
		VerifyConnection: func(state tls.ConnectionState) error {
			chain = state.PeerCertificates
			return nil
		},
	})
	err = client.HandshakeContext(ctx)
	if len(chain) > 0 {
		return chain, nil // a server that wants a client certificate fails only after it has presented its own
	}
	return nil, v.explainHandshake(ctx, where, err)
}

// An unparsableError means that the server's certificate cannot be read.
type unparsableError struct{ text string }

func (e *unparsableError) Error() string { return e.text }

func (v *verifier) explainHandshake(ctx context.Context, where string, err error) error {
	var (
		record tls.RecordHeaderError
		alert  tls.AlertError
	)
	switch {
	case err == nil:
		return &unparsableError{"the server presents no certificate"}
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return tasks.WithNext(fmt.Errorf("%s accepted the connection but does not answer the TLS handshake within %s", where, flags.FormatDuration(v.task.AttemptTimeout)),
			"check that the port speaks TLS, and whether it needs --starttls")
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &record):
		return tasks.WithNext(fmt.Errorf("%s does not speak TLS", where), "check the port, and whether it needs --starttls postgres, mysql or smtp")
	case errors.As(err, &alert):
		return tasks.WithNext(fmt.Errorf("%s ended TLS: %s", where, strings.TrimPrefix(alert.Error(), "tls: ")), "check --server-name, and look at the server's log")
	case strings.Contains(err.Error(), "failed to parse certificate"), strings.Contains(err.Error(), "certificate containing"):
		return &unparsableError{cert.Clip(strings.TrimPrefix(err.Error(), "tls: "))}
	case dial.Closed(err), errors.Is(err, io.ErrUnexpectedEOF):
		return tasks.WithNext(fmt.Errorf("%s closed the connection during the TLS handshake", where), "check that the port speaks TLS, and whether it needs --starttls")
	}
	return fmt.Errorf("TLS with %s failed: %s", where, strings.TrimPrefix(err.Error(), "tls: "))
}

func explainStartTLS(protocol, where string, err error) error {
	var (
		refused *starttls.RefusedError
		timeout net.Error
	)
	switch {
	case errors.As(err, &refused):
		return tasks.WithNext(fmt.Errorf("%s offers no TLS: %w", where, err), "switch TLS on at the server")
	case errors.Is(err, starttls.ErrProtocol):
		return tasks.WithNext(fmt.Errorf("%s does not speak %s: %w", where, protocol, err), "check --starttls and the port")
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return tasks.WithNext(fmt.Errorf("%s accepted the connection but does not answer as %s", where, protocol), "check --starttls and the port")
	case dial.Closed(err), errors.Is(err, io.ErrUnexpectedEOF):
		return tasks.WithNext(fmt.Errorf("%s closed the connection before TLS", where), "check --starttls and the port, and look at the server's log")
	}
	return err
}
