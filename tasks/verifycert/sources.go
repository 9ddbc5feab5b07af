package verifycert

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/initbox/initbox/internal/files/mount"
	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/crl"
	"github.com/initbox/initbox/internal/pki/encoding"
	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/internal/pki/keystore"
	"github.com/initbox/initbox/internal/pki/privatekey"
	"github.com/initbox/initbox/tasks"
)

// shared is the input that all sets share.
type shared struct {
	cas           []*cert.Cert
	intermediates []*cert.Cert
	named         []*cert.Cert // the certificates of --ca and --intermediates, for the output
	crls          []*crl.List
	findings      finding.List
	given         bool // flags name CAs, so those of a DIR do not count
	public        bool // the CAs are those of the system
}

// maxPassword is the size of the largest password file, in bytes.
const maxPassword = 4096

func (v *verifier) readPassword() {
	v.password = nil
	if v.task.PasswordFile == "" {
		return
	}
	f, err := v.files.Read(v.task.PasswordFile, maxPassword)
	if err != nil {
		v.missing("--password-file", v.task.PasswordFile, err)
		return
	}
	password := mount.TrimLineEnd(string(f.Data))
	v.password = []byte(password)
	v.env.Secrets.Add(password)
}

// readShared reads CAs, intermediates and CRLs.
func (v *verifier) readShared(ctx context.Context) {
	t := v.task
	v.shared = shared{given: len(t.CA)+len(t.Truststores) > 0 || t.SystemRoots, public: t.SystemRoots && len(t.CA)+len(t.Truststores) == 0}
	s := &v.shared
	for _, path := range t.CA {
		s.cas = append(s.cas, v.certificates(ctx, "--ca", path, &s.findings)...)
	}
	s.named = slices.Clone(s.cas)
	for _, path := range t.Truststores {
		if store := v.keystore("--truststore", path, &s.findings); store != nil {
			s.cas = append(s.cas, store.Trusted...) // a certificate with a key is not a CA to trust
		}
	}
	if t.SystemRoots {
		v.systemRoots(ctx)
	}
	for _, path := range t.Intermediates {
		s.intermediates = append(s.intermediates, v.certificates(ctx, "--intermediates", path, &s.findings)...)
	}
	s.named = append(s.named, s.intermediates...)
	for _, path := range t.CRLs {
		if f := v.read("--crl", path, &s.findings); f != nil {
			lists, l := crl.Read(ctx, f.Data, path)
			s.crls = append(s.crls, lists...)
			s.findings = append(s.findings, l...)
		}
	}
}

// read returns a file that a flag names, or nil. If it does not exist, the
// configuration is wrong; any other error is a fault of the file.
func (v *verifier) read(flag, path string, found *finding.List) *mount.File {
	f, err := v.files.Read(path, encoding.MaxFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		v.missing(flag, path, err)
		return nil
	case err != nil:
		found.Add(finding.FileUnreadable, path, 0, "%v", err)
		return nil
	}
	return f
}

func (v *verifier) certificates(ctx context.Context, flag, path string, found *finding.List) []*cert.Cert {
	f := v.read(flag, path, found)
	if f == nil {
		return nil
	}
	certs, l := cert.ReadAll(ctx, f.Data, path)
	*found = append(*found, l...)
	return certs
}

func (v *verifier) keystore(flag, path string, found *finding.List) *keystore.Store {
	f := v.read(flag, path, found)
	if f == nil {
		return nil
	}
	store, l := keystore.Read(f.Data, path, v.password)
	*found = append(*found, l...)
	return store
}

// systemRoots reads the CAs of the system from the places where crypto/x509 looks
// for them. Unlike crypto/x509, it knows which ones it has read.
func (v *verifier) systemRoots(ctx context.Context) {
	paths := []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
		"/etc/pki/tls/cacert.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem"}
	if path, _ := v.env.LookupEnv("SSL_CERT_FILE"); path != "" {
		paths = []string{path}
	}
	for _, path := range paths {
		f, err := v.files.Read(path, encoding.MaxFile)
		if err != nil {
			continue
		}
		certs, l := cert.ReadAll(ctx, f.Data, path)
		v.shared.cas = append(v.shared.cas, certs...)
		v.shared.findings = append(v.shared.findings, l...)
		return
	}
	v.missing("--system-roots", strings.Join(paths, ", "), tasks.WithNext(errors.New("the image has no CAs"), "give --ca"))
}

// dirs reads the mounts.
func (v *verifier) dirs(ctx context.Context) {
	for _, pattern := range v.task.Dirs {
		matched := []string{pattern}
		if strings.ContainsAny(pattern, `*?[`) {
			matched, _ = filepath.Glob(pattern)
			if len(matched) == 0 {
				v.missing("DIR", pattern, tasks.WithNext(errors.New("nothing matches the pattern"), "check the pattern, and what is mounted there"))
			}
		}
		for _, dir := range matched {
			if ctx.Err() != nil {
				return
			}
			v.dir(ctx, dir)
		}
	}
}

func (v *verifier) dir(ctx context.Context, dir string) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		v.missing("DIR", dir, errors.New("there is no such directory"))
		return
	case err == nil && !info.IsDir():
		v.missing("DIR", dir, tasks.WithNext(errors.New("it is a file"), "give files with --cert, --key and --ca"))
		return
	}
	s := &set{name: dir, kind: "directory"}
	if f := v.member(s, dir, "tls.crt", true); f != nil {
		s.readChain(ctx, f.Data, filepath.Join(dir, "tls.crt"))
	}
	if f := v.member(s, dir, "tls.key", true); f != nil {
		v.readKey(s, f, filepath.Join(dir, "tls.key"))
	}
	if !v.shared.given {
		if f := v.member(s, dir, "ca.crt", false); f != nil {
			s.caFile = true
			cas, l := cert.ReadAll(ctx, f.Data, filepath.Join(dir, "ca.crt"))
			s.cas = cas
			s.unreadable = s.unreadable || l.Has(finding.CertMalformed)
			s.findings = append(s.findings, l...)
		}
	}
	v.add(ctx, s)
}

// member reads a file of a mount. If must is set, a missing file is a finding.
func (v *verifier) member(s *set, dir, name string, must bool) *mount.File {
	path := filepath.Join(dir, name)
	f, err := v.files.Read(path, encoding.MaxFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if must {
			s.findings.Add(finding.FileMissing, path, 0, "the mount has no %s", name)
		}
		return nil
	case err != nil:
		s.findings.Add(finding.FileUnreadable, path, 0, "%v", err)
		return nil
	}
	return f
}

// certFile checks the set of --cert and --key.
func (v *verifier) certFile(ctx context.Context) {
	if v.task.Cert == "" {
		return
	}
	s := &set{name: v.task.Cert, kind: "files"}
	before := len(v.report.missing)
	if f := v.read("--cert", v.task.Cert, &s.findings); f != nil {
		s.readChain(ctx, f.Data, v.task.Cert)
	}
	if v.task.Key != "" {
		if f := v.read("--key", v.task.Key, &s.findings); f != nil {
			v.readKey(s, f, v.task.Key)
		}
	}
	if len(v.report.missing) == before {
		v.add(ctx, s)
	}
}

func (v *verifier) readKey(s *set, f *mount.File, path string) {
	key, l := privatekey.Read(f.Data, path, v.password)
	s.key, s.keyFile = key, path
	s.findings = append(s.findings, l...)
	w := v.wanted
	if extra := f.Mode &^ w.keyMode; !w.anyMode && extra != 0 {
		s.findings.Add(finding.KeyMode, path, 0, "its mode is %04o; at most %04o is allowed", f.Mode, w.keyMode)
	}
	if w.owner >= 0 && f.UID != uint32(w.owner) {
		s.findings.Add(finding.KeyOwner, path, 0, "it belongs to UID %d, not %d", f.UID, w.owner)
	}
}
