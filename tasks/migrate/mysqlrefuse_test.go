package migrate

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/initbox/initbox/internal/testnet"
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
	head := make([]byte, 4)
	for {
		if _, err := io.ReadFull(client, head); err != nil {
			return
		}
		body := make([]byte, binary.LittleEndian.Uint32(head)&0xffffff)
		if _, err := io.ReadFull(client, body); err != nil {
			return
		}
		if len(body) > 0 && strings.HasPrefix(string(body[1:]), f.words) {
			f.refused.Add(1)
			answer := append(binary.LittleEndian.AppendUint16([]byte{0xff}, f.code), "#HY000refused by the firewall"...)
			_, err = client.Write(append([]byte{byte(len(answer)), 0, 0, head[3] + 1}, answer...))
		} else {
			_, err = server.Write(append(head[:4:4], body...))
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
			l := testnet.Listen(t, "127.0.0.1")
			testnet.Serve(t, l, f.serve)
			s.url = strings.Replace(s.url, f.to, l.Addr().String(), 1)
			s.run().did(t, 1)
			s.clean("1")
			if n := f.refused.Load(); n != 1 {
				t.Errorf("%d statements were refused", n)
			}
		})
	}
}
