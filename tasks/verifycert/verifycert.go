package verifycert

import (
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/initbox/initbox/internal/flags"
	"github.com/initbox/initbox/internal/network/starttls"
	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/tasks"
)

// Spec is the task verify-cert.
var Spec = tasks.Spec{
	Name:  "verify-cert",
	Group: "certificates",
	Doc: `check that TLS certificates, keys and CAs fit together and are valid

DIR is a mount of a kubernetes.io/tls Secret, with tls.crt, tls.key and ca.crt. It
may be a pattern, and there may be several. Each is read as one version of the
Secret, never half old and half new. --cert, --key, --ca and --intermediates name
files instead. Keystores (PKCS#12, JKS) and bundles of CAs are recognized by their
content. With --remote, the chain that a server presents must obey the same rules.

All faults are reported, not only the first: one line for each set of certificates
in the log and the termination message and, with --output json, everything on
stdout. None of these contains a key or password.

Paths are built and validated by RFC 5280, names by RFC 9525: the common name is
ignored. --strict adds the rules for issuers, which verifiers do not enforce.

A file named on the command line that does not exist is an error in the
configuration. With --wait, everything may come later: the task checks again until
the whole set is there and good, or its time is up. If there was no time to verify
all of a set, it is reported as unfinished, with the faults found so far. Each
fault has a reason code, which is never renamed.`,
	More:    codeTable,
	Args:    "dir...",
	Timeout: 5 * time.Minute,
	Examples: []tasks.Example{
		{Doc: "a mounted Secret, for the name that clients use, valid for another week", Command: "initbox verify-cert --dns-name app.shop.svc --min-validity 168h /tls"},
		{Doc: "wait for cert-manager to fill the Secret", Command: "initbox verify-cert --wait --timeout 2m /tls"},
		{Doc: "a client certificate with a SPIFFE ID, by the strict rules", Command: "initbox verify-cert --usage client --uri spiffe://prod/app --strict /tls"},
		{Doc: "files of any name", Command: "initbox verify-cert --cert a.pem --key a.key --intermediates i.pem --ca roots.pem"},
		{Doc: "a Java keystore and the truststore to check it against", Command: "initbox verify-cert --keystore app.p12 --truststore ca.jks --password-file /secrets/password"},
		{Doc: "a bundle of CAs", Command: "initbox verify-cert --bundle /ca/ca-bundle.crt"},
		{Doc: "the certificate of a database", Command: "initbox verify-cert --remote db:5432 --starttls postgres --ca /ca/ca.crt --min-validity 24h"},
		{Doc: "revocation", Command: "initbox verify-cert --crl /crl/issuing.crl /tls"},
	},
	Needs: tasks.Needs{Mounts: []string{"the Secret or ConfigMap with the certificates, read-only"}},
	Container: `args: [verify-cert, --wait, --timeout=2m, --dns-name=app.shop.svc, --min-validity=168h, --max-key-mode=0640, /tls]
volumeMounts:
  - {name: tls, mountPath: /tls, readOnly: true}`,
	New: func() tasks.Task { return New() },
}

// codeTable returns the list of reason codes for the help.
func codeTable() string {
	var b strings.Builder
	b.WriteString("Reason codes\n\n")
	for _, e := range finding.Table() {
		note := ""
		switch {
		case e.Warning:
			note = " (warning)"
		case e.Strict:
			note = " (--strict)"
		}
		b.WriteString("    " + string(e.Code) + note + "\n        " + e.Meaning + ". " + strings.ToUpper(e.Next[:1]) + e.Next[1:] + ".\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// A Task verifies sets of certificates.
type Task struct {
	Dirs          []string // mounts of kubernetes.io/tls Secrets, or patterns of them
	Cert, Key     string   // files
	CA            []string // files of trusted CAs
	Intermediates []string // files of untrusted certificates
	SystemRoots   bool     // trust the CAs of the system
	PartialChain  bool     // trust every certificate of the CA files, roots or not

	Keystores, Truststores []string // PKCS#12 or JKS
	PasswordFile           string   // password of encrypted keys and keystores

	Bundles []string // files or directories of CAs

	Remotes        []string      // HOST:PORT
	ServerName     string        // for SNI and the name check; "" for the host of the remote
	StartTLS       string        // "", postgres, mysql or smtp
	AttemptTimeout time.Duration // limit of one connection

	DNSNames, IPs, URIs []string
	Usage               string // "", server, client or both

	At          string // RFC 3339; "" for now
	MinValidity time.Duration
	ClockSkew   time.Duration

	MaxKeyMode string // octal; "" for any
	KeyOwner   string // UID; "" for any

	CRLs   []string
	Strict bool
	Wait   bool
	Output string // text or json
}

// New returns a Task with its defaults.
func New() *Task { return &Task{Output: "text", AttemptTimeout: 10 * time.Second} }

// Flags implements [tasks.Task].
func (t *Task) Flags(fs *pflag.FlagSet) {
	list := func(p *[]string, name, usage string) { fs.StringArrayVar(p, name, *p, usage+"; repeatable") }
	list(&t.Dirs, "dir", "mount of a kubernetes.io/tls Secret, a `directory` or a pattern")
	fs.StringVar(&t.Cert, "cert", t.Cert, "`file` with the leaf, and intermediates below it")
	fs.StringVar(&t.Key, "key", t.Key, "`file` with the private key of --cert")
	list(&t.CA, "ca", "`file` with the CAs to trust; for a DIR, instead of its ca.crt")
	list(&t.Intermediates, "intermediates", "`file` with more intermediate CAs, in any order, which are not trusted")
	fs.BoolVar(&t.SystemRoots, "system-roots", t.SystemRoots, "trust the CAs of the system, from SSL_CERT_FILE or the image")
	fs.BoolVar(&t.PartialChain, "partial-chain", t.PartialChain, "trust each certificate of a CA file, even an intermediate without its root")

	list(&t.Keystores, "keystore", "PKCS#12 or JKS `file` with a key and its chain")
	list(&t.Truststores, "truststore", "PKCS#12 or JKS `file` with CAs to trust")
	fs.StringVar(&t.PasswordFile, "password-file", t.PasswordFile, "`file` with the password of encrypted keys and keystores")
	list(&t.Bundles, "bundle", "`path` of a file or directory of CAs; every block is checked")

	list(&t.Remotes, "remote", "`address` of a server whose certificate is checked, HOST:PORT")
	fs.StringVar(&t.ServerName, "server-name", t.ServerName, "`name` to send to --remote (SNI) and to find in its certificate; the default is its host")
	flags.Enum(fs, &t.StartTLS, "starttls", starttls.Protocols, "protocol of a --remote that begins in plain text, to switch it to TLS")
	flags.Duration(fs, &t.AttemptTimeout, "attempt-timeout", time.Millisecond, "limit of one connection to --remote")

	list(&t.DNSNames, "dns-name", "`name` that the certificate must be for")
	list(&t.IPs, "ip", "`address` that the certificate must be for")
	list(&t.URIs, "uri", "`URI` that the certificate must be for, such as a SPIFFE ID")
	flags.Enum(fs, &t.Usage, "usage", []string{"server", "client", "both"}, "extended key usage that the chain must allow; the default for --remote is server")

	fs.StringVar(&t.At, "at", t.At, "`time` to check for instead of now, such as 2006-01-02T15:04:05Z")
	flags.Duration(fs, &t.MinValidity, "min-validity", 0, "how long every certificate on the chain must still be valid")
	flags.Duration(fs, &t.ClockSkew, "clock-skew", 0, "how far wrong the clocks may be")
	fs.StringVar(&t.MaxKeyMode, "max-key-mode", t.MaxKeyMode, "most permissive `mode` that the key file may have, such as 0640")
	fs.StringVar(&t.KeyOwner, "key-owner", t.KeyOwner, "`UID` that the key file must belong to")

	list(&t.CRLs, "crl", "`file` with revocation lists; there must be one from the issuer of each leaf")
	fs.BoolVar(&t.Strict, "strict", t.Strict, "also check the certificates against the rules for issuers")
	fs.BoolVar(&t.Wait, "wait", t.Wait, "check again until everything is there and good")
	flags.Enum(fs, &t.Output, "output", []string{"text", "json"}, "json: all certificates and findings on stdout")
}
