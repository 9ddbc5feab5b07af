package mysql

import (
	"context"
	"slices"
	"time"

	"github.com/initbox/initbox/internal/database/migration/records"
)

func transaction(requests ...records.Request) []records.Request {
	all := append([]records.Request{startTransaction()}, requests...)
	return append(all, commit())
}

func startTransaction() records.Request { return records.Request{SQL: "START TRANSACTION"} }

func starts(r records.Request) bool { return r.SQL == startTransaction().SQL }

func commit() records.Request { return records.Request{SQL: "COMMIT"} }

func rollback() records.Request { return records.Request{SQL: "ROLLBACK"} }

// maxBundle is how many requests one compound statement takes, so that it is no
// longer than what any server takes in one packet.
const maxBundle = 50

// bundled makes compound statements of requests, each of which is one round trip,
// where the server can do it: MySQL cannot.
func (d *driver) bundled(requests []records.Request) []records.Request {
	if !d.compounds || len(requests) == 1 {
		return requests
	}
	var all []records.Request
	for part := range slices.Chunk(requests, maxBundle) {
		all = append(all, compound(part...))
	}
	return all
}

func compound(requests ...records.Request) (all records.Request) {
	for _, r := range requests {
		all.SQL += r.SQL + "; "
		all.Args = append(all.Args, r.Args...)
	}
	all.SQL = "BEGIN NOT ATOMIC " + all.SQL + "END"
	return all
}

// sendFor is how long requests may take after the end of a context.
const sendFor = 2 * time.Second

// send makes requests, which record what has happened already: they go on for
// sendFor after the end of ctx. If the server refuses one, as it may for a lock, the
// transaction is given up: to try again would commit the half of it.
func (d *driver) send(ctx context.Context, requests ...records.Request) error {
	own, ended := context.WithoutCancel(ctx), make(chan struct{})
	defer close(ended)
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-ended:
		case <-time.After(sendFor):
			d.cut()
		}
	})
	defer stop()
	for i, r := range d.bundled(requests) {
		err := d.exec(own, r.SQL, r.Args...)
		if i == 0 && number(err) == interrupted { // by a KILL that was meant for the statement before
			if slices.ContainsFunc(requests, starts) {
				_ = d.exec(own, "ROLLBACK") // or else it would commit what a bundle has done
			}
			err = d.exec(own, r.SQL, r.Args...)
		}
		if i == 0 && number(err) == syntaxError && d.compounds { // in a way to read SQL that the file has set
			d.compounds = false
			return d.send(ctx, requests...)
		}
		if err != nil {
			if number(err) != 0 {
				_ = d.exec(own, "ROLLBACK")
			}
			return err
		}
	}
	return nil
}
