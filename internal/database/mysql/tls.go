package mysql

import (
	"cmp"
	"crypto/tls"
	"errors"

	"github.com/initbox/initbox/internal/database"
	"github.com/initbox/initbox/internal/files/mount"
)

// modes maps the names that MySQL's own programs and go-sql-driver have for the modes
// of TLS.
var modes = map[string]string{
	"DISABLED": database.TLSDisable, "PREFERRED": database.TLSPrefer, "REQUIRED": database.TLSRequire, "VERIFY_CA": database.TLSVerifyCA, "VERIFY_IDENTITY": database.TLSVerifyFull,
	"false": database.TLSDisable, "preferred": database.TLSPrefer, "skip-verify": database.TLSRequire, "true": database.TLSVerifyFull, "custom": "",
	database.TLSDisable: database.TLSDisable, database.TLSPrefer: database.TLSPrefer, database.TLSRequire: database.TLSRequire, database.TLSVerifyCA: database.TLSVerifyCA, database.TLSVerifyFull: database.TLSVerifyFull,
}

// takeTLS removes the parameters for TLS from p, replaces them by those that flags give,
// and returns the configuration, nil for no TLS. fallback allows a server without TLS.
func takeTLS(o *database.Options, p *database.Parts, files *mount.Reader) (config *tls.Config, fallback bool, err error) {
	take := func(names ...string) (value string) {
		for _, name := range names {
			value = cmp.Or(value, p.Params[name])
			delete(p.Params, name)
		}
		return value
	}
	name := take("sslmode", "ssl-mode", "tls")
	mode, ok := modes[name]
	if !ok && name != "" {
		return nil, false, errors.New("the mode of TLS in the URL is unknown: write tls=true, skip-verify, preferred or false, ssl-mode=VERIFY_IDENTITY, or give --db-tls")
	}
	with := *o
	with.CA = cmp.Or(o.CA, take("ssl-ca", "sslrootcert", "x-tls-ca"))
	with.Cert = cmp.Or(o.Cert, take("ssl-cert", "sslcert", "x-tls-cert"))
	with.Key = cmp.Or(o.Key, take("ssl-key", "sslkey", "x-tls-key"))
	if take("x-tls-insecure-skip-verify") == "true" {
		mode = database.TLSRequire
	}
	mode = cmp.Or(o.TLS, mode)
	switch {
	case mode == "" && with.CA != "":
		mode = database.TLSVerifyFull
	case mode == "" || mode == database.TLSAllow:
		mode = database.TLSPrefer
	case mode == database.TLSDisable:
		return nil, false, nil
	}
	config, err = with.TLSConfig(files, mode, p.Hosts[0].Name)
	return config, mode == database.TLSPrefer, err
}
