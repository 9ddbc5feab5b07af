package database_test

import (
	"testing"

	"github.com/initbox/initbox/internal/database/mysql"
	"github.com/initbox/initbox/internal/database/postgres"
	"github.com/initbox/initbox/internal/database/sqlite"
	"github.com/initbox/initbox/internal/testkit/testdialect"
	"github.com/initbox/initbox/internal/testkit/testnet/testdb"
)

var kit = testdialect.Kit{postgres.Dialect, mysql.Dialect, sqlite.Dialect}

var servers testdb.Servers

func TestMain(m *testing.M) {
	defer servers.Stop()
	m.Run()
}
