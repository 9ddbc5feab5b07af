package database

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

func TestParseURL(t *testing.T) {
	one := func(name, port string) []host { return []host{{name, port}} }
	for in, want := range map[string]place{
		"postgres://app:pw@db:5432/shop":                {driver: Postgres, user: "app", password: "pw", hosts: one("db", "5432"), name: "shop"},
		"postgresql://db":                               {driver: Postgres, hosts: one("db", "")},
		"postgres://":                                   {driver: Postgres},
		"postgres:///shop?host=/run/pg&sslmode=disable": {driver: Postgres, name: "shop", params: map[string]string{"host": "/run/pg", "sslmode": "disable"}},
		"postgres://%2Frun%2Fpg/shop":                   {driver: Postgres, hosts: one("/run/pg", ""), name: "shop"},
		"postgres://a:b@h1:1,h2,[::1]:3/x":              {driver: Postgres, user: "a", password: "b", hosts: []host{{"h1", "1"}, {"h2", ""}, {"::1", "3"}}, name: "x"},
		"postgres://a:p@ss:w@db/x":                      {driver: Postgres, user: "a", password: "p@ss:w", hosts: one("db", ""), name: "x"},
		"postgres://a:%40%2F%3F%23%25+b@db/x%2Fy":       {driver: Postgres, user: "a", password: "@/?#%+b", hosts: one("db", ""), name: "x/y"},
		"mysql://app:p+w@db:3307/shop":                  {driver: MySQL, user: "app", password: "p+w", hosts: one("db", "3307"), name: "shop"},
		"mysql://app:p+w@tcp(db:3307)/shop?a=b":         {driver: MySQL, user: "app", password: "p w", hosts: one("db", "3307"), name: "shop", params: map[string]string{"a": "b"}},
		"mysql://app:p/w@tcp([::1]:3307)/shop":          {driver: MySQL, user: "app", password: "p/w", hosts: one("::1", "3307"), name: "shop"},
		"mysql://tcp(db)/":                              {driver: MySQL, hosts: one("db", "")},
		"mariadb://app@unix(/run/my.sock)/shop":         {driver: MySQL, user: "app", hosts: one("/run/my.sock", ""), name: "shop"},
		"sqlite:///data/app.db":                         {driver: SQLite, name: "/data/app.db"},
		"sqlite3://data/my%20app.db":                    {driver: SQLite, name: "data/my app.db"},
	} {
		if want.params == nil {
			want.params = map[string]string{}
		}
		got, err := parseURL(in)
		if err != nil || !reflect.DeepEqual(*got, want) {
			t.Errorf("%s: got %+v, %v\nwant %+v", in, got, err, want)
		}
	}
}

// What is wrong is said without any part of the URL: it may be the password.
func TestBadURLs(t *testing.T) {
	const hidden = "hidden"
	for in, want := range map[string]string{
		"":                                      "not a URL",
		"hidden":                                "not a URL",
		"oracle://a:hidden@db/x":                "scheme is unknown",
		"postgres://a:hid/hidden@db/x":          "special character",
		"postgres://a:hid?hidden@db/x":          "special character",
		"postgres://a:hid#hidden@db/x":          "special character",
		"postgres://a:1/hidden@db/x":            "special character",
		"postgres://a:hidden%zz@db/x":           "% in it",
		"postgres://a@db/hidden%":               "% in it",
		"postgres://a@db:hidden/x":              "port is not a number",
		"postgres://a@db:0/x":                   "port is not a number",
		"postgres://a@[::1/x":                   "IPv6",
		"postgres://a@db/x?sslpassword=%hidden": "query",
		"mysql://a:hidden%zz@tcp(db)/x":         "% in it",
		"mysql://a:hidden@ftp(db)/x":            "not tcp or unix",
		"mysql://a:hidden@db)/x":                "has no (",
	} {
		_, err := parseURL(in)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), hidden) {
			t.Errorf("%s: got %v, want %q", in, err, want)
		}
	}
}

// allCharacters holds all of ASCII that can be printed, and some that is not ASCII.
func allCharacters() string {
	var b strings.Builder
	for c := byte(' '); c <= '~'; c++ {
		b.WriteByte(c)
	}
	return b.String() + "äß€漢字🔑"
}

// A password survives the escaping of every URL, whole and each character alone.
func TestPasswordsInURLs(t *testing.T) {
	passwords := []string{allCharacters()}
	for _, r := range allCharacters() {
		passwords = append(passwords, string(r), "a"+string(r)+"b")
	}
	for _, password := range passwords {
		u := url.UserPassword("user", password).String()
		for _, text := range []string{
			"postgres://" + u + "@db:5432/x",
			"mysql://" + u + "@db:3306/x",
			"mysql://user:" + url.QueryEscape(password) + "@tcp(db:3306)/x",
			"postgres://user:" + url.PathEscape(password) + "@db:5432/x",
		} {
			p, err := parseURL(text)
			if err != nil || p.password != password || p.user != "user" || p.hosts[0].name != "db" || p.name != "x" {
				t.Errorf("%s: got %+v, %v, want the password %q", text, p, err, password)
			}
		}
	}
}

func FuzzParseURL(f *testing.F) {
	f.Add("postgres://a:b@c:1/d?e=f")
	f.Add("mysql://a:b@tcp(c:1)/d")
	f.Add("sqlite:///a")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parseURL(s)
		if err != nil {
			return
		}
		_ = p.check()
		_ = p.String()
		// Written again with everything escaped, it is the same.
		if p.driver != Postgres || len(p.hosts) != 1 {
			return
		}
		again := fmt.Sprintf("postgres://%s:%s@%s:%s/%s", url.PathEscape(p.user), url.PathEscape(p.password),
			strings.ReplaceAll(url.PathEscape(p.hosts[0].name), ":", "%3A"), p.hosts[0].port, url.PathEscape(p.name))
		q, err := parseURL(again)
		if err != nil || q.user != p.user || q.password != p.password || q.hosts[0] != p.hosts[0] || q.name != p.name {
			t.Errorf("%q: %+v became %q: %+v, %v", s, p, again, q, err)
		}
	})
}
