package mysql

import (
	"testing"

	"github.com/initbox/initbox/internal/testkit/testdialect"
	"github.com/initbox/initbox/internal/testkit/testnet/testdb"
)

var kit = testdialect.Kit{Dialect}

var servers testdb.Servers

func TestMain(m *testing.M) {
	defer servers.Stop()
	m.Run()
}
