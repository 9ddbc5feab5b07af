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

// A server without TLS is told so and asked again without. If it is too busy then,
// that is what counts: it may answer later, and it was never to have TLS.
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
