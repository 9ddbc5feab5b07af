package mysql

import (
	"context"
	"encoding/binary"
	"io"
	"net"

	"github.com/go-sql-driver/mysql"

	"github.com/initbox/initbox/internal/fault"
)

// Values in MySQL's handshake
// (https://mariadb.com/kb/en/connection/#client-handshake-response).
const (
	clientProtocol41       = 1 << 9
	clientSecureConnection = 1 << 15
	clientPluginAuth       = 1 << 19
	charsetUTF8MB4         = 45

	packetOK         = 0x00
	packetAuthSwitch = 0xfe
	packetError      = 0xff
	protocolVersion  = 10
	commandQuit      = 1
)

// Greet implements [database.Client]. It completes the handshake, which the server
// begins: after max_connect_errors incomplete ones the server blocks this host.
func (c *Client) Greet(ctx context.Context) error {
	return c.target.Converse(ctx, c.target.Parts.Hosts[0], greet)
}

// probeUser is the user that Greet gives, without a password. It is not the user of
// the options, since some servers lock accounts after failed logins.
const probeUser = "initbox-no-login"

// greet reads the server's hello and completes the handshake with a user that does not
// exist. The server refuses that user. It does not count this as a connect error,
// unlike a connection that just ends (sql_connect.cc: sum_connect_errors).
func greet(conn net.Conn) error {
	hello, sequence, err := readPacket(conn)
	if err != nil {
		return err
	}
	switch {
	case hello[0] == packetError:
		return errorOf(hello)
	case hello[0] != protocolVersion:
		return fault.Finalf("the server does not speak MySQL's protocol: check the port")
	}
	reply := binary.LittleEndian.AppendUint32(nil, clientProtocol41|clientSecureConnection|clientPluginAuth)
	reply = binary.LittleEndian.AppendUint32(reply, 1<<24-1) // longest packet
	reply = append(reply, charsetUTF8MB4)
	reply = append(reply, make([]byte, 23)...)
	reply = append(reply, probeUser+"\x00"+"\x00"+"mysql_native_password\x00"...)
	for {
		if err := writePacket(conn, sequence+1, reply); err != nil {
			return err
		}
		var answer []byte
		answer, sequence, err = readPacket(conn)
		switch {
		case err != nil:
			return err
		case answer[0] == packetAuthSwitch:
			reply = nil // no password for this plugin either
		case answer[0] == packetOK: // the server lets anybody in
			return writePacket(conn, 0, []byte{commandQuit})
		default: // refused, as expected
			return nil
		}
	}
}

// errorOf reads an error packet from before the handshake, which may lack the SQLSTATE.
func errorOf(packet []byte) error {
	if len(packet) < 3 {
		return mysql.ErrMalformPkt
	}
	e := &mysql.MySQLError{Number: binary.LittleEndian.Uint16(packet[1:]), Message: string(packet[3:])}
	if len(e.Message) > 6 && e.Message[0] == '#' {
		e.SQLState, e.Message = [5]byte(packet[4:9]), e.Message[6:]
	}
	return e
}

// maxGreeting is the limit for a packet of the handshake, in bytes.
const maxGreeting = 1 << 16

func readPacket(conn net.Conn) (payload []byte, sequence byte, err error) {
	header := make([]byte, 4)
	if _, err := io.ReadFull(conn, header); err != nil {
		return nil, 0, err
	}
	n := int(header[0]) | int(header[1])<<8 | int(header[2])<<16
	if n == 0 || n > maxGreeting {
		return nil, 0, fault.Finalf("the server does not speak MySQL's protocol: check the port")
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(conn, payload)
	return payload, header[3], err
}

func writePacket(conn net.Conn, sequence byte, payload []byte) error {
	n := len(payload)
	_, err := conn.Write(append([]byte{byte(n), byte(n >> 8), byte(n >> 16), sequence}, payload...))
	return err
}
