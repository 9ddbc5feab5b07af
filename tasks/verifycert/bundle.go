package verifycert

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/encoding"
	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/internal/pki/keystore"
	"github.com/initbox/initbox/internal/pki/path"
	"github.com/initbox/initbox/internal/pki/profile"
)

// bundles checks files of CAs, each block of each file. It keeps no certificate
// longer than needed, because a bundle may have thousands.
func (v *verifier) bundles(ctx context.Context) {
	for _, name := range v.task.Bundles {
		if ctx.Err() != nil {
			return
		}
		info, err := os.Stat(name)
		if errors.Is(err, fs.ErrNotExist) {
			v.missing("--bundle", name, errors.New("there is no such file or directory"))
			continue
		}
		b := v.newBundle(name)
		files := []string{name}
		if err == nil && info.IsDir() {
			if files, err = v.members(name); err != nil {
				b.set.findings.Add(finding.FileUnreadable, name, 0, "%v", err)
			} else if len(files) == 0 {
				b.set.findings.Add(finding.FileEmpty, name, 0, "the directory has no file")
			}
		}
		for _, file := range files {
			if ctx.Err() != nil {
				break
			}
			b.file(ctx, file)
		}
		v.add(ctx, b.set)
	}
}

// members returns the paths of the files in dir, without hidden files and without
// the links by which OpenSSL finds a CA.
func (v *verifier) members(dir string) ([]string, error) {
	from, entries, err := v.files.List(dir)
	var paths []string
	for _, e := range entries {
		if !e.Dir && e.Name[0] != '.' && !(e.Link && hashLink(e.Name)) {
			paths = append(paths, from.Path(e.Name))
		}
	}
	return paths, err
}

// hashLink reports whether name is that of a link made by openssl rehash: 8 hex
// digits, a dot, a number.
func hashLink(name string) bool {
	ok, _ := filepath.Match("[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f].[0-9]", name)
	return ok
}

// truststores checks the certificates in the truststores themselves, apart from
// their use as CAs.
func (v *verifier) truststores(ctx context.Context) {
	for _, name := range v.task.Truststores {
		if ctx.Err() != nil {
			return
		}
		b := v.newBundle(name)
		f, err := v.files.Read(name, encoding.MaxFile)
		if err != nil {
			continue // reported when it was first read
		}
		b.store(f.Data, name)
		v.add(ctx, b.set)
	}
}

type bundle struct {
	v    *verifier
	set  *set
	seen map[[sha256.Size]byte]string
}

func (v *verifier) newBundle(name string) *bundle {
	return &bundle{v: v, set: &set{name: name, kind: "bundle"}, seen: make(map[[sha256.Size]byte]string)}
}

func (b *bundle) file(ctx context.Context, file string) {
	f, err := b.v.files.Read(file, encoding.MaxFile)
	if err != nil {
		b.set.findings.Add(finding.FileUnreadable, file, 0, "%v", err)
		return
	}
	var blocks finding.List
	l := cert.Each(ctx, f.Data, file, func(c *cert.Cert, block encoding.Block) {
		switch {
		case c != nil:
			b.certificate(c)
		case cert.IsPrivateKey(block.Type):
			blocks.Add(finding.BundleKey, file, block.Number, "it is a private key")
		default:
			blocks.Add(finding.PEMWrongKind, file, block.Number, "it is %s, not a certificate", cert.Kind(block.Type))
		}
	})
	b.set.findings = append(append(b.set.findings, l...), blocks...)
}

// certificate judges one CA on its own.
func (b *bundle) certificate(c *cert.Cert) {
	b.set.count++
	add := func(l ...finding.Finding) { b.set.findings = append(b.set.findings, l...) }
	sum := sha256.Sum256(c.Raw)
	if first, ok := b.seen[sum]; ok {
		add(c.Finding(finding.BundleDuplicate, "it is the same as %s", first))
		return
	}
	b.seen[sum] = finding.Finding{File: c.File, Block: c.Block}.Where()
	// A root of version 1 has no field that says that it is a CA.
	if c.BasicConstraintsValid && !c.IsCA || c.Version == 3 && !c.BasicConstraintsValid {
		add(c.Finding(finding.BundleNotCA, "its basicConstraints do not say that it is a CA"))
	} else if c.HasKeyUsage() && c.KeyUsage&x509.KeyUsageCertSign == 0 {
		add(c.Finding(finding.CAKeyUsage, "its keyUsage lacks keyCertSign"))
	}
	add(path.Dates(c, b.v.at, b.v.task.ClockSkew, b.v.task.MinValidity)...)
	if b.v.task.Strict {
		add(profile.Authority(c)...)
	}
	if b.v.task.Output == "json" {
		b.set.listed = append(b.set.listed, listing(c, false))
	}
}

// store checks the CAs of a keystore.
func (b *bundle) store(data []byte, name string) {
	store, l := keystore.Read(data, name, b.v.password)
	b.set.findings = append(b.set.findings, l...)
	if store == nil {
		return
	}
	for _, c := range store.Trusted {
		b.certificate(c)
	}
	if len(store.Trusted) == 0 && len(l) == 0 {
		b.set.findings.Add(finding.StoreEmpty, name, 0, "it has keys, but no trusted certificate")
	}
}
