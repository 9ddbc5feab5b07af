package verifycert

import (
	"context"
	"strings"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/finding"
)

// keystores makes a set for each key in the keystores.
func (v *verifier) keystores(ctx context.Context) {
	for _, path := range v.task.Keystores {
		if ctx.Err() != nil {
			return
		}
		s := &set{name: path, kind: "keystore"}
		before := len(v.report.missing)
		store := v.keystore("--keystore", path, &s.findings)
		if len(v.report.missing) > before {
			continue
		}
		if store != nil && len(store.Entries) == 0 {
			s.findings.Add(finding.StoreNoKey, path, 0, "it has certificates, but no private key")
		}
		if store == nil || len(store.Entries) == 0 {
			v.add(ctx, s)
			continue
		}
		for i, e := range store.Entries {
			one := &set{name: path, kind: "keystore", certs: e.Chain, key: e.Key, keyFile: path}
			if len(store.Entries) > 1 {
				one.name += " entry " + cert.Clip(e.Alias)
			}
			if i == 0 {
				one.findings = s.findings
			}
			if len(e.Chain) == 0 && len(one.findings) == 0 {
				one.findings.Add(finding.StoreEmpty, path, 0, "the key %q has no certificate", cert.Clip(e.Alias))
			}
			v.add(ctx, one)
		}
	}
}

func joinNames(c *cert.Cert) string {
	all := c.Names()
	if len(all) == 0 {
		return "no name"
	}
	const shown = 5
	if len(all) > shown {
		all = append(all[:shown:shown], "others")
	}
	return strings.Join(all, ", ")
}
