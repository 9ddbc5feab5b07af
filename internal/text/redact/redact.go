// Package redact keeps secrets out of everything that initbox prints.
package redact

import (
	"net/url"
	"slices"
	"strings"
	"sync"
)

// mark replaces a secret.
const mark = "***"

// secretParams are the query parameters with secret values, in lower case.
var secretParams = []string{"password", "passwd", "pwd", "pass", "secret", "token", "access_token", "apikey", "api_key", "sig", "signature", "sslpassword", "key"}

// A Set knows the secrets that this process has read. The zero value is ready
// to use. Its methods are safe for concurrent use.
type Set struct {
	mu      sync.RWMutex
	secrets []string
}

// shortest is the length in bytes of the shortest secret that is replaced. A
// shorter one would match everywhere and make the text unreadable.
const shortest = 4

// Add makes Text replace secret wherever it occurs.
func (s *Set) Add(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if secret = strings.TrimSpace(secret); len(secret) < shortest || slices.Contains(s.secrets, secret) {
		return
	}
	s.secrets = append(s.secrets, secret)
	// The longest comes first: a secret may be part of another one.
	slices.SortFunc(s.secrets, func(a, b string) int { return len(b) - len(a) })
}

// Text returns text with the secrets of s, and the userinfo and secret query
// values of URLs, replaced.
func (s *Set) Text(text string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, secret := range s.secrets {
		text = strings.ReplaceAll(text, secret, mark)
	}
	return Text(text)
}

// Unreadable returns an address or URL that cannot be parsed, fit for an error:
// everything before its last @ may be a password and is replaced.
func Unreadable(s string) string {
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return Text(s)
	}
	scheme, _, ok := strings.Cut(s[:at], "://")
	if ok && strings.Trim(scheme, "abcdefghijklmnopqrstuvwxyz") == "" {
		return scheme + "://" + mark + Text(s[at:])
	}
	return mark + Text(s[at:])
}

// Text returns s with the userinfo and the secret query values of every URL in
// it replaced. It works on any text, even on URLs that do not parse.
func Text(s string) string {
	if !strings.Contains(s, "://") {
		return s
	}
	var b strings.Builder
	for {
		i := strings.Index(s, "://")
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i+3])
		rest := s[i+3:]
		end := strings.IndexAny(rest, " \t\r\n\"'`<>")
		if end < 0 {
			end = len(rest)
		}
		end = len(strings.TrimRight(rest[:end], ":,;.)")) // what follows a URL in a sentence
		b.WriteString(word(rest[:end]))
		s = rest[end:]
	}
}

// word redacts the part of one URL after "://".
func word(s string) string {
	if at := userinfoEnd(s); at >= 0 {
		s = mark + s[at:]
	}
	before, query, ok := strings.Cut(s, "?")
	if !ok {
		return s
	}
	return before + "?" + params(query)
}

// userinfoEnd returns the index of the @ that ends the userinfo, or -1. If the
// URL does not parse, its writer may have forgotten to escape a / or ? in the
// password, so everything before the last @ counts as userinfo.
func userinfoEnd(s string) int {
	if u, err := url.Parse("x://" + s); err == nil {
		if u.User == nil {
			return -1
		}
		if i := strings.IndexAny(s, "/?#"); i >= 0 {
			s = s[:i]
		}
	}
	return strings.LastIndexByte(s, '@')
}

func params(query string) string {
	end := strings.IndexByte(query+"#", '#')
	parts := strings.Split(query[:end], "&")
	for i, p := range parts {
		name, _, ok := strings.Cut(p, "=")
		if plain, err := url.QueryUnescape(name); ok && (err != nil || isSecret(plain)) {
			parts[i] = name + "=" + mark
		}
	}
	return strings.Join(parts, "&") + query[end:]
}

func isSecret(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(secretParams, func(s string) bool {
		return name == s || strings.HasSuffix(name, "_"+s) || strings.HasSuffix(name, "-"+s)
	})
}
