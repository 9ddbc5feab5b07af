// Package starttls switches servers that begin in plain text to TLS:
// PostgreSQL, MySQL and SMTP. It only asks for TLS and sends no credentials.
package starttls

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// Protocols are the protocols that [Upgrade] knows.
var Protocols = []string{"postgres", "mysql", "smtp"}

// Upgrade speaks protocol on conn up to the point where the client starts TLS.
// It returns a *[RefusedError] if the server offers no TLS, [ErrProtocol] if it
// speaks another protocol, and the error of ctx once that is done.
func Upgrade(ctx context.Context, conn net.Conn, protocol string) error {
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		if stop() {
			conn.SetDeadline(time.Time{})
		}
	}()
	err := upgrade(conn, protocol)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func upgrade(conn net.Conn, protocol string) error {
	switch protocol {
	case "postgres":
		return postgres(conn)
	case "mysql":
		return mysql(conn)
	case "smtp":
		return smtp(conn)
	}
	return fmt.Errorf("unknown protocol %q", protocol)
}

// A RefusedError means that the server speaks the protocol but offers no TLS.
type RefusedError struct{ Why string }

func (e *RefusedError) Error() string { return e.Why }

func refused(format string, args ...any) error { return &RefusedError{fmt.Sprintf(format, args...)} }

// ErrProtocol means that the server does not speak the protocol.
var ErrProtocol = errors.New("its answer is not of that protocol")

// readByte reads exactly one byte: what follows may already belong to TLS.
func readByte(conn net.Conn) (byte, error) {
	var b [1]byte
	_, err := io.ReadFull(conn, b[:])
	return b[0], err
}
