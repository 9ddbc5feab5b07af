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

DIR is a mount of a kubernetes.io/tls Secret, with tls.crt, tls.key and ca.crt; it
may be a pattern, and there may be several. Each is read as one version of the
Secret, never half of the old and half of the new one. --cert, --key, --ca and
--intermediates name files instead. Keystores (PKCS#12, JKS) and bundles of CAs
are told by their content. With --remote the chain that a server presents is
held to the same rules.

All faults are reported, not only the first: one line for each set of
certificates, in the log and the termination message, and with --output json
everything on stdout. Keys and passwords are in none of them.

Paths are built and validated by RFC 5280, names by RFC 9525: the common name is
never looked at. --strict adds what verifiers let pass but those who issue must
not do.

A file named on the command line that does not exist is a wrong configuration,
unless --wait is given: then everything may come later, and the task looks again
until the whole set is there and good, or its time is up. A set that there was no
time to verify to the end is reported as unfinished, with what was found so far.
Each fault has a reason code, which is never renamed.`,
	More:    codeTable,
	Args:    "dir...",
	Timeout: 5 * time.Minute,
	Examples: []tasks.Example{
		{Doc: "a mounted Secret, for the name that clients use, good for another week", Command: "initbox verify-cert --dns-name app.shop.svc --min-validity 168h /tls"},
		{Doc: "wait for cert-manager to fill the Secret", Command: "initbox verify-cert --wait --timeout 2m /tls"},
		{Doc: "a client certificate with a SPIFFE ID, by all rules", Command: "initbox verify-cert --usage client --uri spiffe://prod/app --strict /tls"},
		{Doc: "files of any name", Command: "initbox verify-cert --cert a.pem --key a.key --intermediates i.pem --ca roots.pem"},
		{Doc: "a Java keystore and what it is checked against", Command: "initbox verify-cert --keystore app.p12 --truststore ca.jks --password-file /secrets/password"},
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

// codeTable lists the reason codes for the help.
func codeTable() string {
	var b strings.Builder
	b.WriteString("Reason codes\n\n")
	for _, e := range finding.Table() {
		note := ""
		switch {
		case e.Warning:
			note = " (named, but no reason to fail)"
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
	PasswordFile           string   // for encrypted keys and keystores

	Bundles []string // files or directories of CAs

	Remotes        []string // HOST:PORT
	ServerName     string   // for SNI and the name check; "" for what is connected to
	StartTLS       string   // "", postgres, mysql or smtp
	AttemptTimeout time.Duration

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
	fs.BoolVar(&t.SystemRoots, "system-roots", t.SystemRoots, "trust the CAs of the system, as SSL_CERT_FILE or the image has them")
	fs.BoolVar(&t.PartialChain, "partial-chain", t.PartialChain, "trust each certificate of a CA file, even an intermediate without its root")

	list(&t.Keystores, "keystore", "PKCS#12 or JKS `file` with a key and its chain")
	list(&t.Truststores, "truststore", "PKCS#12 or JKS `file` with CAs to trust")
	fs.StringVar(&t.PasswordFile, "password-file", t.PasswordFile, "`file` with the password of encrypted keys and keystores")
	list(&t.Bundles, "bundle", "`path` of a file or directory of CAs, of which every block is checked")

	list(&t.Remotes, "remote", "`address` of a server whose certificate is checked, HOST:PORT")
	fs.StringVar(&t.ServerName, "server-name", t.ServerName, "`name` to ask --remote for (SNI) and to find in its certificate; its host if not given")
	flags.Enum(fs, &t.StartTLS, "starttls", starttls.Protocols, "how --remote comes to speak TLS, if it begins in plain text")
	flags.Duration(fs, &t.AttemptTimeout, "attempt-timeout", time.Millisecond, "bound of one connection to --remote")

	list(&t.DNSNames, "dns-name", "`name` that the certificate must be for")
	list(&t.IPs, "ip", "`address` that the certificate must be for")
	list(&t.URIs, "uri", "`URI` that the certificate must be for, such as a SPIFFE ID")
	flags.Enum(fs, &t.Usage, "usage", []string{"server", "client", "both"}, "extended key usage that the chain must allow; server for --remote if not given")

	fs.StringVar(&t.At, "at", t.At, "`time` to check for instead of now, as 2006-01-02T15:04:05Z")
	flags.Duration(fs, &t.MinValidity, "min-validity", 0, "how long every certificate on the chain must still be valid")
	flags.Duration(fs, &t.ClockSkew, "clock-skew", 0, "how wrong the clocks may be")
	fs.StringVar(&t.MaxKeyMode, "max-key-mode", t.MaxKeyMode, "most permissive `mode` that the key file may have, as 0640")
	fs.StringVar(&t.KeyOwner, "key-owner", t.KeyOwner, "`UID` that the key file must belong to")

	list(&t.CRLs, "crl", "`file` with revocation lists; the issuer of each leaf must be among theirs")
	fs.BoolVar(&t.Strict, "strict", t.Strict, "also hold the certificates to the rules for those who issue them")
	fs.BoolVar(&t.Wait, "wait", t.Wait, "look again until everything is there and good")
	flags.Enum(fs, &t.Output, "output", []string{"text", "json"}, "json: all certificates and findings on stdout")
}
