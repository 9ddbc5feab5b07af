package starttls

import (
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
)

// postgres sends an SSLRequest; the server answers with one letter.
func postgres(conn net.Conn) error {
	if _, err := conn.Write([]byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f}); err != nil {
		return err
	}
	answer, err := readByte(conn)
	switch {
	case err != nil:
		return err
	case answer == 'S':
		return nil
	case answer == 'N':
		return refused("the PostgreSQL server has TLS switched off (ssl = off)")
	}
	return ErrProtocol
}

// Capabilities of MySQL's protocol.
const (
	mysqlSSL        = 0x0800
	mysqlProtocol41 = 0x0200
	mysqlSecure     = 0x8000
	mysqlMaxPacket  = 1 << 24
	mysqlUTF8       = 33
	mysqlMaxHello   = 1 << 12
)

// mysql reads the server's greeting and answers with an SSLRequest.
func mysql(conn net.Conn) error {
	var head [4]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return err
	}
	size := int(head[0]) | int(head[1])<<8 | int(head[2])<<16
	if size < 1 || size > mysqlMaxHello {
		return ErrProtocol
	}
	hello := make([]byte, size)
	if _, err := io.ReadFull(conn, hello); err != nil {
		return err
	}
	if hello[0] == 0xff {
		return refused("the MySQL server refuses the connection before TLS (too many connections, or this host is blocked)")
	}
	version := strings.IndexByte(string(hello[1:]), 0)
	// version, NUL, thread (4), salt (8), filler (1), capabilities (2)
	at := 1 + version + 1 + 4 + 8 + 1
	if hello[0] != 10 || version < 0 || len(hello) < at+2 {
		return ErrProtocol
	}
	if binary.LittleEndian.Uint16(hello[at:])&mysqlSSL == 0 {
		return refused("the MySQL server has TLS switched off (have_ssl)")
	}
	request := make([]byte, 4+32)
	request[0], request[3] = 32, head[3]+1
	binary.LittleEndian.PutUint32(request[4:], mysqlSSL|mysqlProtocol41|mysqlSecure)
	binary.LittleEndian.PutUint32(request[8:], mysqlMaxPacket)
	request[12] = mysqlUTF8
	_, err := conn.Write(request)
	return err
}

// smtp sends EHLO and STARTTLS (RFC 3207).
func smtp(conn net.Conn) error {
	if _, err := smtpReply(conn, "220"); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, "EHLO initbox.invalid\r\n"); err != nil {
		return err
	}
	offers, err := smtpReply(conn, "250")
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(offers, func(line string) bool { return strings.EqualFold(strings.TrimSpace(line), "STARTTLS") }) {
		return refused("the SMTP server does not offer STARTTLS")
	}
	if _, err := io.WriteString(conn, "STARTTLS\r\n"); err != nil {
		return err
	}
	_, err = smtpReply(conn, "220")
	return err
}

const (
	smtpMaxLine  = 1000
	smtpMaxLines = 100
)

// smtpReply reads a reply of one or more lines and returns their texts.
func smtpReply(conn net.Conn, want string) ([]string, error) {
	var texts []string
	for range smtpMaxLines {
		line, err := readLine(conn)
		switch {
		case err != nil:
			return nil, err
		case strings.HasPrefix(line, want):
		case len(line) >= 3 && (line[0] == '4' || line[0] == '5'):
			return nil, refused("the SMTP server answers %q", strings.ToValidUTF8(line[:3], "?"))
		default:
			return nil, ErrProtocol
		}
		if len(line) > 3 {
			texts = append(texts, line[4:])
		}
		if len(line) == 3 || line[3] != '-' {
			return texts, nil
		}
	}
	return nil, ErrProtocol
}

func readLine(conn net.Conn) (string, error) {
	var line []byte
	for len(line) < smtpMaxLine {
		b, err := readByte(conn)
		if err != nil {
			return "", err
		}
		if b == '\n' {
			return strings.TrimSuffix(string(line), "\r"), nil
		}
		line = append(line, b)
	}
	return "", ErrProtocol
}
