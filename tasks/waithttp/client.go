package waithttp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/initbox/initbox/internal/files/mount"
	"github.com/initbox/initbox/internal/network/dial"
	"github.com/initbox/initbox/internal/text/redact"
	"github.com/initbox/initbox/tasks"
)

// A client is what the attempts for all URLs share: the flags, and the content of
// the files that they name.
type client struct {
	task    *Task
	expect  *expectations
	timeout time.Duration // limit of one attempt, for messages
	header  http.Header
	body    []byte
	tls     *tls.Config
	token   string // what --bearer-token-file had first, "" for none
	dialer  *dial.Dialer
	secrets *redact.Set
}

// client reads the files that the flags name, all of one version. It returns every
// fault in them.
func (t *Task) client(env *tasks.Env, files *mount.Reader) (*client, error) {
	c := &client{task: t, dialer: &dial.Dialer{Resolver: t.Resolver}, secrets: env.Secrets}
	var err error
	var errs []error
	c.expect, err = t.expectations()
	errs = append(errs, err)
	c.tls, err = t.tlsConfig(files)
	errs = append(errs, err, c.readHeader(files))
	c.body = []byte(t.Body)
	if t.BodyFile != "" {
		c.body, err = files.Flag("body-file", t.BodyFile)
		errs = append(errs, err)
	}
	errs = append(errs, c.readCredentials(files))
	return c, errors.Join(errs...)
}

func (c *client) readHeader(files *mount.Reader) error {
	h, err := parseHeaders(c.task.Headers)
	c.header = h
	if err != nil {
		return err
	}
	for name, values := range h {
		for _, v := range values {
			if isSecretField(name) {
				c.addSecretField(field{name, v})
			}
		}
	}
	if c.task.HeaderFile == "" {
		return nil
	}
	data, err := files.Flag("header-file", c.task.HeaderFile)
	if err != nil {
		return err
	}
	fields, err := parseHeaderFile(c.task.HeaderFile, data)
	for _, f := range fields {
		c.addSecretField(f)
		h.Add(f.name, f.value)
	}
	return err
}

// protocols returns the protocols that an attempt may speak.
func (t *Task) protocols() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP2(true)
	p.SetHTTP1(!t.HTTP2PriorKnowledge)
	p.SetUnencryptedHTTP2(t.HTTP2PriorKnowledge)
	return p
}

// tlsConfig reads the TLS files.
func (t *Task) tlsConfig(files *mount.Reader) (*tls.Config, error) {
	config := &tls.Config{ServerName: t.ServerName, InsecureSkipVerify: t.Insecure, NextProtos: []string{"h2", "http/1.1"}}
	if t.HTTP2PriorKnowledge {
		config.NextProtos = []string{"h2"}
	}
	var errs []error
	if t.CA != "" {
		pem, err := files.Flag("ca", t.CA)
		errs = append(errs, err)
		config.RootCAs = x509.NewCertPool()
		if err == nil && !config.RootCAs.AppendCertsFromPEM(pem) {
			errs = append(errs, mount.BadFlag("ca", t.CA, "it holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)"))
		}
	}
	if t.ClientCert != "" {
		cert, err := t.clientCertificate(files)
		errs = append(errs, err)
		config.Certificates = []tls.Certificate{cert}
	}
	return config, errors.Join(errs...)
}

func (t *Task) clientCertificate(files *mount.Reader) (tls.Certificate, error) {
	certPEM, certErr := files.Flag("client-cert", t.ClientCert)
	keyPEM, keyErr := files.Flag("client-key", t.ClientKey)
	if err := errors.Join(certErr, keyErr); err != nil {
		return tls.Certificate{}, err
	}
	cert, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		err = fmt.Errorf("--client-cert %s and --client-key %s: %w", t.ClientCert, t.ClientKey, err)
	}
	return cert, err
}
