package waithttp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/initbox/initbox/internal/network/dial"
	"github.com/initbox/initbox/internal/network/peercert"
	"github.com/initbox/initbox/tasks"
)

// explainHandshake explains failures that only the moment of the failure shows:
// the time ran out, or the peer closed the connection during the handshake. It
// returns any other error unchanged.
func explainHandshake(ctx context.Context, where string, timeout time.Duration, err error) error {
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return tasks.WithNext(fmt.Errorf("%s accepted the connection but does not answer the TLS handshake%s", where, within(timeout)),
			"check that the port speaks TLS, and look at the server's log")
	case ctx.Err() != nil:
		return ctx.Err()
	case dial.Closed(err), errors.Is(err, io.ErrUnexpectedEOF):
		return tasks.WithNext(fmt.Errorf("%s closed the connection during the TLS handshake", where),
			"check that the port speaks TLS and knows the name (--server-name), and look at the server's log")
	}
	return err
}

// explainTLS explains a TLS error, or returns nil if err is not one.
func (p *prober) explainTLS(cs *connections, err error) error {
	var (
		verify *tls.CertificateVerificationError
		record tls.RecordHeaderError
	)
	alert := alertOf(err)
	if alert < 0 {
		alert = alertOf(cs.alert)
	}
	switch {
	case alert >= 0:
		return p.explainAlert(cs, alert)
	case errors.As(err, &verify):
		return p.explainCertificate(cs.where, verify.UnverifiedCertificates, verify.Err)
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &record) && string(record.RecordHeader[:]) == "HTTP/":
		return tasks.WithNext(fmt.Errorf("%s speaks plain HTTP, not TLS", cs.where), "write http:// instead of https://")
	case errors.As(err, &record):
		return tasks.WithNext(fmt.Errorf("%s does not speak TLS", cs.where), "check the port, and whether http:// is meant")
	case strings.HasPrefix(err.Error(), "tls: "):
		return fmt.Errorf("TLS with %s failed: %s", cs.where, strings.TrimPrefix(err.Error(), "tls: "))
	}
	return nil
}

// Alerts of TLS (RFC 8446, section 6).
const (
	alertHandshakeFailure      = 40
	alertBadCertificate        = 42
	alertAccessDenied          = 49 // the last alert that is about certificates
	alertProtocolVersion       = 70
	alertUnrecognizedName      = 112
	alertCertificateRequired   = 116
	alertNoApplicationProtocol = 120
)

// alertOf returns the alert with which the peer ended TLS, or -1. Package tls
// gives the number only for QUIC, otherwise only the text.
func alertOf(err error) int {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return -1
	}
	for n := range 256 {
		if tls.AlertError(n).Error() == op.Err.Error() {
			return n
		}
	}
	return -1
}

// explainAlert explains an alert, with which the server says why it ends TLS.
func (p *prober) explainAlert(cs *connections, alert int) error {
	text := strings.TrimPrefix(tls.AlertError(alert).Error(), "tls: ")
	cert := p.client.task.ClientCert
	aboutClient := cs.asked && (alert == alertHandshakeFailure || alert == alertCertificateRequired ||
		alertBadCertificate <= alert && alert <= alertAccessDenied)
	switch {
	case aboutClient && cert == "":
		return asksForCertificate(cs.where)
	case aboutClient:
		return tasks.WithNext(fmt.Errorf("%s refuses the client certificate %s: %s", cs.where, cert, text),
			"check that it is valid and signed by the CA that the server trusts for clients")
	case alert == alertUnrecognizedName:
		return tasks.WithNext(fmt.Errorf("%s has no certificate for the name it was asked for", cs.where), "check the URL's host, or give --server-name")
	case alert == alertProtocolVersion:
		return tasks.WithNext(fmt.Errorf("%s speaks no version of TLS from 1.2 on", cs.where), "bring the server's TLS up to date")
	case alert == alertNoApplicationProtocol:
		return tasks.WithNext(fmt.Errorf("%s speaks no HTTP/2 over TLS", cs.where), nextNoHTTP2)
	}
	return tasks.WithNext(fmt.Errorf("%s ended TLS: %s", cs.where, text), "look at the server's log")
}

func asksForCertificate(where string) error {
	return tasks.WithNext(fmt.Errorf("%s asks for a client certificate", where), "give --client-cert and --client-key")
}

// explainCertificate says what is wrong with the server's certificate.
func (p *prober) explainCertificate(where string, chain []*x509.Certificate, err error) error {
	w := peercert.Words{
		Certificate: "the certificate of " + where, Trusted: "a CA that the system trusts",
		GiveCA: "give the CA that signed it with --ca", CAFlag: "--ca", NameFlag: "--server-name",
	}
	if ca := p.client.task.CA; ca != "" {
		w.Trusted, w.GiveCA = "the CA in --ca "+ca, "put the CA that signed it into that file: it may have been renewed"
	}
	fault, next := w.Explain(chain, err)
	return tasks.WithNext(errors.New(fault), next)
}
