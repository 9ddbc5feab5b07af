package dial

import (
	"strings"
	"testing"
)

func TestParseAddress(t *testing.T) {
	for in, want := range map[string]Address{
		"db:5432":                {Network: "tcp", Host: "db", Port: "5432"},
		"tcp://db:5432":          {Network: "tcp", Host: "db", Port: "5432"},
		"tcp://db:5432/":         {Network: "tcp", Host: "db", Port: "5432"},
		"db-0.db.ns.svc.:1":      {Network: "tcp", Host: "db-0.db.ns.svc.", Port: "1"},
		"my_svc:65535":           {Network: "tcp", Host: "my_svc", Port: "65535"},
		"10.0.0.1:080":           {Network: "tcp", Host: "10.0.0.1", Port: "80"},
		"[::1]:80":               {Network: "tcp", Host: "::1", Port: "80"},
		"[fe80::1%eth0]:80":      {Network: "tcp", Host: "fe80::1%eth0", Port: "80"},
		"tcp://[::1]:80":         {Network: "tcp", Host: "::1", Port: "80"},
		"unix:///run/a b/x.sock": {Network: "unix", Path: "/run/a b/x.sock"},
	} {
		got, err := ParseAddress(in)
		if err != nil || got != want {
			t.Errorf("%q: got %+v, %v; want %+v", in, got, err, want)
		}
	}
}

func TestParseAddressErrors(t *testing.T) {
	for in, want := range map[string]string{
		"":                                    "it is empty",
		"db":                                  "it has no port",
		"db:":                                 "it has no port",
		":5432":                               "it has no host",
		"db:99999":                            "the port is not from 1 to 65535",
		"db:0":                                "the port is not from 1 to 65535",
		"db:+80":                              "the port is not from 1 to 65535",
		"db:-1":                               "the port is not from 1 to 65535",
		"db:99999999999999999999":             "the port is not from 1 to 65535",
		"db:http":                             "the port is not a number",
		"::1":                                 "in brackets: write [::1]:PORT",
		"a:b:c":                               "too many colons",
		"[::g]:80":                            "not an IPv6 address",
		"a,b:80":                              "one host at a time",
		"a:80,b:80":                           "too many colons",
		"a b:80":                              "one host at a time",
		"a/b:80":                              "a character that is not allowed in a name",
		"a..b:80":                             "a part of the name is empty",
		strings.Repeat("a", 64) + ":80":       "longer than 63 bytes",
		strings.Repeat("a.", 140) + "b:80":    "longer than 253 bytes",
		"http://db:80":                        "wait-http waits for those",
		"udp://db:80":                         "the scheme is unknown",
		"unix://run/x":                        "the path is not absolute",
		"unix:///":                            "it names no socket",
		"unix:///" + strings.Repeat("x", 107): "at most 107 bytes",
		"tcp://u:s3cret@db:80":                "too many colons",
		"s3cret@db:80":                        "a character that is not allowed in a name",
	} {
		_, err := ParseAddress(in)
		switch {
		case err == nil || !strings.Contains(err.Error(), want):
			t.Errorf("%q: got %v, want an error with %q", in, err, want)
		case strings.Contains(err.Error(), "s3cret"):
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

// FuzzParseAddress: an address that parses gives the same address from its
// String.
func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"db:5432", "[::1]:80", "unix:///run/x", "tcp://a:1", "u:p@h:1", "[fe80::1%x]:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAddress(s)
		if err != nil {
			return
		}
		b, err := ParseAddress(a.String())
		if err != nil || a != b {
			t.Fatalf("%q: %+v, then %+v, %v", s, a, b, err)
		}
	})
}
