package verifycert

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/internal/pki/privatekey"
	"github.com/initbox/initbox/tasks"
)

// A report is the result of one inspection.
type report struct {
	at          time.Time
	sets        []*set
	missing     []error // errors about files that flags name and that do not exist
	connections []error // errors about servers that could not be asked
	interrupted error
}

// bad returns the sets that failed.
func (r *report) bad() []*set {
	return slices.DeleteFunc(slices.Clone(r.sets), func(s *set) bool { return !s.findings.Failed() })
}

// covers reports whether a set of the same name already has everything that is
// wrong with s. The user may give a file twice, or as both keystore and
// truststore.
func (r *report) covers(s *set) bool {
	return s.findings.Failed() && slices.ContainsFunc(r.sets, func(o *set) bool {
		return o.name == s.name && len(slices.Concat(o.findings, s.findings).Unique()) == len(o.findings)
	})
}

// publish writes the verdict on each set to the log and the termination message
// and, with --output json, everything to stdout.
func (r *report) publish(env *tasks.Env, output string) error {
	// Sets that are not good come last, because a long summary is cut at the front.
	var sorted, bad []*set
	for _, s := range r.sets {
		if s.verdict() == good {
			sorted = append(sorted, s)
		} else {
			bad = append(bad, s)
		}
	}
	room := max(summaryRoom/max(len(bad), 1), leastRoom)
	for _, s := range append(sorted, bad...) {
		s.log(env)
		env.Summarize(clip(s.line(), room))
	}
	if output != "json" {
		return nil
	}
	enc := json.NewEncoder(env.Stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r.document()); err != nil {
		return fmt.Errorf("--output json: %w", err)
	}
	return nil
}

// How many bytes of the termination message all failed sets may take, and how many
// each of them gets at least.
const (
	summaryRoom = 560
	leastRoom   = 140
)

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n-3], "") + "..."
}

// log logs one line about s.
func (s *set) log(env *tasks.Env) {
	attrs := []any{"set", s.name}
	if len(s.path) > 0 {
		attrs = append(attrs, "leaf", s.path[0].Name(), "serial", cert.Serial(s.path[0].SerialNumber), "earliest_expiry", earliest(s.path).NotAfter.UTC().Format(time.RFC3339))
	}
	if s.kind == "bundle" {
		attrs = append(attrs, "certificates", s.count)
	}
	switch {
	case s.unfinished:
		env.Log.Error("not all was verified", append(attrs, "codes", codeList(s.findings), "findings", s.sentences(maxLogged))...)
	case s.findings.Failed():
		env.Log.Error("verification failed", append(attrs, "codes", codeList(s.findings), "findings", s.sentences(maxLogged))...)
	case len(s.findings) > 0:
		env.Log.Warn("verified, with warnings", append(attrs, "codes", codeList(s.findings), "findings", s.sentences(maxLogged))...)
	default:
		env.Log.Info("verified", attrs...)
	}
}

// maxLogged is the most findings in a log line; the JSON output has all of them.
const maxLogged = 20

// sentences puts the first findings on one line, failures before warnings.
func (s *set) sentences(most int) string {
	var ordered []finding.Finding
	seen := make(map[string]bool)
	for _, warning := range []bool{false, true} {
		for _, f := range s.findings {
			if text := f.String() + f.Next; f.Warning == warning && !seen[text] {
				seen[text] = true
				ordered = append(ordered, f)
			}
		}
	}
	var out strings.Builder
	for i, f := range ordered[:min(most, len(ordered))] {
		if i > 0 {
			out.WriteString(" | ")
		}
		out.WriteString(f.String())
		// A next step that several findings share follows the last of them.
		if i+1 == len(ordered) || i+1 == most || ordered[i+1].Next != f.Next {
			out.WriteString("; " + f.Next)
		}
	}
	if more := len(ordered) - most; more > 0 {
		fmt.Fprintf(&out, " | and %d more", more)
	}
	return out.String()
}

// The verdicts on a set, and on all of them.
const (
	good       = "good"
	failed     = "failed"
	unfinished = "unfinished" // there was no time to check everything, so it is not good
)

func (s *set) verdict() string {
	switch {
	case s.unfinished:
		return unfinished
	case s.findings.Failed():
		return failed
	}
	return good
}

// line returns the verdict in one line for the termination message.
func (s *set) line() string {
	switch {
	case s.unfinished && len(s.findings) == 0:
		return "unfinished " + s.name + ": there was no time to verify all of it"
	case s.verdict() != good:
		return s.verdict() + " " + s.name + ": " + s.sentences(maxLogged)
	case s.kind == "bundle":
		return fmt.Sprintf("good %s: %d certificates", s.name, s.count)
	case len(s.path) == 0:
		return "good " + s.name
	}
	e := earliest(s.path)
	line := fmt.Sprintf("good %s: %s, expires %s", s.name, s.path[0].Name(), e.NotAfter.UTC().Format(time.DateOnly))
	if e != s.path[0] {
		line += " (" + e.Name() + ")"
	}
	if len(s.findings) > 0 {
		line += "; " + codeList(s.findings)
	}
	return line
}

func earliest(path []*cert.Cert) *cert.Cert {
	return slices.MinFunc(path, func(a, b *cert.Cert) int { return a.NotAfter.Compare(b.NotAfter) })
}

// document is the JSON output.
type document struct {
	Verdict string        `json:"verdict"` // good, failed or unfinished
	At      time.Time     `json:"at"`
	Sets    []setDocument `json:"sets"`
	Errors  []string      `json:"errors,omitempty"` // files and servers that could not be checked
}

type setDocument struct {
	Name         string        `json:"name"`
	Kind         string        `json:"kind"`
	Verdict      string        `json:"verdict"`
	Findings     finding.List  `json:"findings"`
	Path         []string      `json:"path"` // fingerprints, leaf first
	Certificates []certificate `json:"certificates"`
}

type certificate struct {
	Subject   string    `json:"subject"`
	Issuer    string    `json:"issuer"`
	Serial    string    `json:"serial"`
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
	Names     []string  `json:"names"`
	CA        bool      `json:"ca"`
	Key       string    `json:"key"`
	SHA256    string    `json:"sha256"`
	File      string    `json:"file,omitempty"`
	Block     int       `json:"block,omitempty"`
	OnPath    bool      `json:"on_path"`
}

func (r *report) document() document {
	d := document{Verdict: good, At: r.at.UTC().Truncate(time.Second), Sets: []setDocument{}}
	for _, err := range slices.Concat(r.missing, r.connections) {
		d.Errors = append(d.Errors, err.Error())
	}
	switch {
	case r.interrupted != nil:
		d.Verdict = unfinished
		d.Errors = append(d.Errors, "not all was verified: "+r.interrupted.Error())
	case len(r.bad()) > 0 || len(d.Errors) > 0:
		d.Verdict = failed
	}
	for _, s := range r.sets {
		d.Sets = append(d.Sets, s.document())
	}
	return d
}

func (s *set) document() setDocument {
	d := setDocument{Name: s.name, Kind: s.kind, Verdict: s.verdict(), Findings: s.findings, Path: []string{}, Certificates: s.listed}
	if d.Findings == nil {
		d.Findings = finding.List{}
	}
	seen := make(map[string]bool)
	for _, c := range s.path {
		d.Path = append(d.Path, c.Fingerprint())
		d.Certificates = append(d.Certificates, listing(c, true))
		seen[string(c.Raw)] = true
	}
	for _, c := range slices.Concat(s.certs, s.cas, s.shared) {
		if !seen[string(c.Raw)] {
			seen[string(c.Raw)] = true
			d.Certificates = append(d.Certificates, listing(c, false))
		}
	}
	if d.Certificates == nil {
		d.Certificates = []certificate{}
	}
	return d
}

func listing(c *cert.Cert, onPath bool) certificate {
	names := c.Names()
	if names == nil {
		names = []string{}
	}
	return certificate{
		Subject: c.Subject.String(), Issuer: c.Issuer.String(), Serial: cert.Serial(c.SerialNumber),
		NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(), Names: names, CA: c.IsCA,
		Key: privatekey.Describe(c.PublicKey), SHA256: c.Fingerprint(), File: c.File, Block: c.Block, OnPath: onPath,
	}
}
