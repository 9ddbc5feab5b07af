package names

import (
	"net"
	"net/netip"
	"net/url"
	"testing"
)

func TestMatchDNS(t *testing.T) {
	for _, c := range []struct {
		reference, presented string
		want                 bool
	}{
		{"app.test", "app.test", true},
		{"APP.test.", "app.TEST", true},
		{"app.test", "app.test.", false},
		{"app.test", "*.test", true},
		{"a.app.test", "*.test", false},
		{"test", "*.test", false},
		{".test", "*.test", false},
		{"app.test", "*", false},
		{"app.test", "*.*", false},
		{"app.test", "a*.test", false},
		{"a.b.test", "a.*.test", false},
		{"app.test", "*.", false},
		{"xn--bcher-kva.test", "*.test", true},
		{"xn--bcher-kva.test", "xn--*.test", false},
		{"app.test", "", false},
		{"app.test", "app.test\x00.evil", false},
		{"my_app.test", "my_app.test", true},
	} {
		if got := MatchDNS(c.reference, []string{c.presented}); got != c.want {
			t.Errorf("%q against %q: %v, want %v", c.reference, c.presented, got, c.want)
		}
	}
}

func TestMatchIP(t *testing.T) {
	four := []net.IP{net.IP{10, 0, 0, 1}}
	for s, want := range map[string]bool{"10.0.0.1": true, "::ffff:10.0.0.1": true, "10.0.0.2": false, "::1": false} {
		if got := MatchIP(netip.MustParseAddr(s), four); got != want {
			t.Errorf("%s: %v, want %v", s, got, want)
		}
	}
	mapped := []net.IP{net.ParseIP("10.0.0.1").To16()}
	for s, want := range map[string]bool{"10.0.0.1": false, "::ffff:10.0.0.1": true, "::10.0.0.1": false} {
		if got := MatchIP(netip.MustParseAddr(s), mapped); got != want {
			t.Errorf("%s against 16 octets: %v, want %v", s, got, want)
		}
	}
	if !MatchIP(netip.MustParseAddr("fd00::1%eth0"), []net.IP{net.ParseIP("fd00::1")}) {
		t.Error("the zone, which is only ours, counts")
	}
}

func TestMatchURI(t *testing.T) {
	parse := func(s string) *url.URL {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"spiffe://prod/app", "spiffe://prod/app", true},
		{"spiffe://prod/app", "SPIFFE://PROD/app", true},
		{"spiffe://prod/app", "spiffe://prod/App", false},
		{"spiffe://prod/app", "spiffe://prod/app/", false},
		{"spiffe://prod/app", "spiffe://prod", false},
	} {
		if got := MatchURI(parse(c.a), []*url.URL{parse(c.b)}); got != c.want {
			t.Errorf("%s against %s: %v", c.a, c.b, got)
		}
	}
}

func TestCheckPresented(t *testing.T) {
	for name, want := range map[string]Fault{
		"app.test": Fine, "*.app.test": Fine, "app": Fine, "xn--bcher-kva.test": Fine,
		"": Malformed, "a_b.test": Malformed, "app.test.": Malformed, "a..b": Malformed, "-a.test": Malformed, "a:80": Malformed,
		"bücher.test": Malformed, "xn--": Malformed, "ab--c.test": Malformed, "*.a_b.test": Malformed, "10.0.0.1": Malformed, "::1": Malformed,
		"*.test": PublicSuffix, "*.co.uk": PublicSuffix, "*.com": PublicSuffix, "*.shop.co.uk": Fine, "*.cluster.local": Fine, "*.svc": PublicSuffix, "*": WildcardForm, "*.*.test": WildcardForm, "a*.test": WildcardForm, "a.*.test": WildcardForm,
	} {
		if got := CheckPresented(name); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}
