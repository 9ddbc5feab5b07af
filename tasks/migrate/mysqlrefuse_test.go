//go:build integration

package migrate

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
)

// A firewall hands a connection on, but answers statements that begin with some
// words itself, with an error.
type firewall struct {
	to      string
	words   string
	code    uint16
	refused atomic.Int64
}

func (f *firewall) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", f.to)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		_, _ = io.Copy(client, server)
		client.Close()
	}()
	for {
		packet, err := readPacket(client)
		if err != nil {
			return
		}
		if body := packet[4:]; len(body) > 0 && strings.HasPrefix(string(body[1:]), f.words) {
			f.refused.Add(1)
			answer := append(binary.LittleEndian.AppendUint16([]byte{0xff}, f.code), "#HY000refused by the firewall"...)
			_, err = client.Write(append([]byte{byte(len(answer)), 0, 0, packet[3] + 1}, answer...))
		} else {
			_, err = server.Write(packet)
		}
		if err != nil {
			return
		}
	}
}

// What does not let compound statements through may say so with any number.
func TestMySQLBehindFirewall(t *testing.T) {
	for _, code := range []uint16{1064, 1105, 4031} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			s := newMySite(t, "1_a.up.sql", "CREATE TABLE a (x int);\nINSERT INTO a VALUES (1);")
			f := &firewall{to: s.my.Addr(), words: "BEGIN NOT ATOMIC", code: code}
			s.through(f.serve)
			s.run().did(t, 1)
			s.clean("1")
			if n := f.refused.Load(); n != 1 {
				t.Errorf("%d statements were refused", n)
			}
		})
	}
}
