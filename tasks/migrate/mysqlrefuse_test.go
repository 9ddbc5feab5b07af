//go:build integration

package migrate

import (
	"encoding/binary"
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

// What does not let compound statements through may say so with any number. They may
// also be let through at first, and be read otherwise after what a file has set.
func TestMySQLBehindFirewall(t *testing.T) {
	for name, f := range map[string]*firewall{
		"1064":  {words: "BEGIN NOT ATOMIC", code: 1064},
		"1105":  {words: "BEGIN NOT ATOMIC", code: 1105},
		"4031":  {words: "BEGIN NOT ATOMIC", code: 4031},
		"later": {words: "BEGIN NOT ATOMIC START", code: 1064},
	} {
		t.Run(name, func(t *testing.T) {
			s := newMySite(t, "1_a.up.sql", "CREATE TABLE a (x int);\nINSERT INTO a VALUES (1);")
			f.to = s.my.Addr()
			s.through(f.serve)
			s.run().did(t, 1)
			s.clean("1")
			if n := f.refused.Load(); n != 1 {
				t.Errorf("%d statements were refused", n)
			}
		})
	}
}
