package postgres

import (
	"encoding/binary"
	"io"
	"net"
	"sync/atomic"
	"testing"

	"github.com/initbox/initbox/internal/database"
	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/testkit/testdialect"
	"github.com/initbox/initbox/internal/testkit/testnet"
)

// A server without TLS refuses TLS, and the client tries again without. If the server is
// too busy at that time, this error counts: a retry may help, and TLS was not required.
func TestServerWithoutTLSThatIsBusy(t *testing.T) {
	l := testnet.Listen(t, "127.0.0.1")
	var bare atomic.Bool // asked without TLS
	testnet.Serve(t, l, func(c net.Conn) {
		defer c.Close()
		request := make([]byte, 8)
		if _, err := io.ReadFull(c, request); err != nil {
			return
		}
		if binary.BigEndian.Uint32(request[4:]) != 80877103 { // SSLRequest
			bare.Store(true)
			return
		}
		_, _ = c.Write([]byte("N"))
		_, _ = io.Copy(io.Discard, c) // until the other side closes: else its end may overtake the answer
	})
	at := database.Options{URL: "postgres://app@" + l.Addr().String() + "/app"}
	testdialect.Want(t, kit.Ask(t, at), fault.Failed, "closed the connection")
	if !bare.Load() {
		t.Error("it was not asked without TLS")
	}
	at.TLS = "require"
	testdialect.Want(t, kit.Ask(t, at), fault.Final, "the server has no TLS")
}
