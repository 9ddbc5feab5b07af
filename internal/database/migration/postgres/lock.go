package postgres

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/golang-migrate/migrate/v4/database"

	"github.com/initbox/initbox/internal/fault"
)

// lockIDs returns the advisory locks of golang-migrate. It has two: its command
// line hashes the path of the URL, "/app", and a program that uses it as a library
// the name of the database, "app".
func (d *driver) lockIDs() (ids [2]string, err error) {
	for i, name := range []string{"/" + d.database, d.database} {
		if ids[i], err = database.GenerateAdvisoryLockId(name, d.schema, d.opts.Table); err != nil {
			break
		}
	}
	return ids, err
}

// TryLock implements migration.Driver.
func (d *driver) TryLock(ctx context.Context) (bool, error) {
	if d.altered {
		if err := d.checkPooler(ctx); err != nil {
			return false, err
		}
		if err := d.configure(ctx); err != nil {
			return false, err
		}
	}
	ids, err := d.lockIDs()
	if err != nil {
		return false, err
	}
	rows, err := d.query(ctx, `SELECT CASE WHEN pg_try_advisory_lock($1) THEN
		CASE WHEN pg_try_advisory_lock($2) THEN true ELSE NOT pg_advisory_unlock($1) END ELSE false END`, ids[0], ids[1])
	return err == nil && rows[0][0] == "t", err
}

// Unlock implements migration.Driver.
func (d *driver) Unlock(ctx context.Context) error {
	_, err := d.query(ctx, "SELECT pg_advisory_unlock_all()")
	return err
}

// Holder implements migration.Driver.
func (d *driver) Holder(ctx context.Context) (string, error) {
	ids, err := d.lockIDs()
	if err != nil {
		return "", err
	}
	rows, err := d.query(ctx, `SELECT coalesce(nullif(a.application_name, ''), 'a session without a name'), l.pid, coalesce(' from ' || host(a.client_addr), ''),
			extract(epoch FROM date_trunc('second', clock_timestamp() - a.backend_start))::bigint
		FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a USING (pid)
		WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 0 AND l.objsubid = 1 AND l.objid::bigint IN ($1, $2)
			AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()) AND l.pid <> pg_backend_pid()
		ORDER BY a.backend_start LIMIT 1`, ids[0], ids[1])
	if err != nil || len(rows) == 0 {
		return "", err
	}
	row := rows[0]
	connected, _ := time.ParseDuration(row[3] + "s")
	return fmt.Sprintf("%s (process %s%s, connected for %s)", row[0], row[1], row[2], connected), nil
}

// configure sets up the session. A killed pod's statement must end soon, and a
// statement that waits for a lock must not hold up those that queue up after it.
func (d *driver) configure(ctx context.Context) error {
	err := d.exec(ctx, "RESET SESSION AUTHORIZATION", "RESET ROLE", "RESET ALL",
		fmt.Sprintf("SET lock_timeout = %d", d.opts.LockTimeout.Milliseconds()),
		"SET tcp_keepalives_idle = 5", "SET tcp_keepalives_interval = 5", "SET tcp_keepalives_count = 3")
	if err != nil {
		return err
	}
	// Servers before 14 do not know it, and not every platform can do it.
	if err := d.exec(ctx, "SET client_connection_check_interval = '1s'"); err != nil && sqlState(err) == "" {
		return err
	}
	d.altered = false
	return nil
}

// checkPooler refuses a pooler that shares the sessions of the server between
// connections, as PgBouncer does in transaction mode. Such a pooler cannot tell
// its clients the process id of a server's session; one that is in session mode
// then gives a second connection a session of its own, or none.
func (d *driver) checkPooler(ctx context.Context) error {
	if strconv.FormatUint(uint64(d.conn.PID()), 10) == d.backend {
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	other, err := d.connect(bounded, cancelling)
	if err != nil {
		return ctx.Err() // a pool of one session that this connection has: it is ours
	}
	defer func() { _ = other.Close(bounded) }()
	for range 4 {
		theirs, err := (&driver{conn: other}).query(bounded, "SELECT pg_backend_pid()")
		if err != nil {
			return ctx.Err()
		}
		ours, err := d.query(ctx, "SELECT pg_backend_pid()")
		if err != nil {
			return err
		}
		if ours[0][0] != d.backend || theirs[0][0] == d.backend {
			return fault.WithNext(
				fault.Finalf("a pooler in transaction mode is in front of PostgreSQL (PgBouncer?): each transaction may get another session, "+
					"so neither the lock nor the settings of a session hold"),
				"connect to PostgreSQL itself, or to a pool with pool_mode=session")
		}
	}
	return nil
}
