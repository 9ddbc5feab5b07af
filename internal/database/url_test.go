package database_test

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/initbox/initbox/internal/database"
	"github.com/initbox/initbox/internal/database/mysql"
	"github.com/initbox/initbox/internal/database/postgres"
	"github.com/initbox/initbox/internal/database/sqlite"
	"github.com/initbox/initbox/internal/testkit/testdialect"
)

func TestParseURL(t *testing.T) {
	one := func(name, port string) []database.Host { return []database.Host{{name, port}} }
	for in, want := range map[string]database.Parts{
		"postgres://app:pw@db:5432/shop":                {Dialect: postgres.Dialect, User: "app", Password: "pw", Hosts: one("db", "5432"), Name: "shop"},
		"postgresql://db":                               {Dialect: postgres.Dialect, Hosts: one("db", "")},
		"postgres://":                                   {Dialect: postgres.Dialect},
		"postgres:///shop?host=/run/pg&sslmode=disable": {Dialect: postgres.Dialect, Name: "shop", Params: map[string]string{"host": "/run/pg", "sslmode": "disable"}},
		"postgres://%2Frun%2Fpg/shop":                   {Dialect: postgres.Dialect, Hosts: one("/run/pg", ""), Name: "shop"},
		"postgres://a:b@h1:1,h2,[::1]:3/x":              {Dialect: postgres.Dialect, User: "a", Password: "b", Hosts: []database.Host{{"h1", "1"}, {"h2", ""}, {"::1", "3"}}, Name: "x"},
		"postgres://a:p@ss:w@db/x":                      {Dialect: postgres.Dialect, User: "a", Password: "p@ss:w", Hosts: one("db", ""), Name: "x"},
		"postgres://a:%40%2F%3F%23%25+b@db/x%2Fy":       {Dialect: postgres.Dialect, User: "a", Password: "@/?#%+b", Hosts: one("db", ""), Name: "x/y"},
		"mysql://app:p+w@db:3307/shop":                  {Dialect: mysql.Dialect, User: "app", Password: "p+w", Hosts: one("db", "3307"), Name: "shop"},
		"mysql://app:p+w@tcp(db:3307)/shop?a=b":         {Dialect: mysql.Dialect, User: "app", Password: "p w", Hosts: one("db", "3307"), Name: "shop", Params: map[string]string{"a": "b"}},
		"mysql://app:p/w@tcp([::1]:3307)/shop":          {Dialect: mysql.Dialect, User: "app", Password: "p/w", Hosts: one("::1", "3307"), Name: "shop"},
		"mysql://tcp(db)/":                              {Dialect: mysql.Dialect, Hosts: one("db", "")},
		"mariadb://app@unix(/run/my.sock)/shop":         {Dialect: mysql.Dialect, User: "app", Hosts: one("/run/my.sock", ""), Name: "shop"},
		"sqlite:///data/app.db":                         {Dialect: sqlite.Dialect, Name: "/data/app.db"},
		"sqlite3://data/my%20app.db":                    {Dialect: sqlite.Dialect, Name: "data/my app.db"},
	} {
		if want.Params == nil {
			want.Params = map[string]string{}
		}
		got, err := database.ParseURL(kit.Options(database.Options{}), in)
		if err != nil || !reflect.DeepEqual(*got, want) {
			t.Errorf("%s: got %+v, %v\nwant %+v", in, got, err, want)
		}
	}
}

// Errors show no part of the URL, which may be the password.
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
		_, err := database.ParseURL(kit.Options(database.Options{}), in)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), hidden) {
			t.Errorf("%s: got %v, want %q", in, err, want)
		}
	}
}

// A password survives the escaping of every URL, whole and each character alone.
func TestPasswordsInURLs(t *testing.T) {
	passwords := []string{testdialect.AllCharacters()}
	for _, r := range testdialect.AllCharacters() {
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
			p, err := database.ParseURL(kit.Options(database.Options{}), text)
			if err != nil || p.Password != password || p.User != "user" || p.Hosts[0].Name != "db" || p.Name != "x" {
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
		p, err := database.ParseURL(kit.Options(database.Options{}), s)
		if err != nil {
			return
		}
		_ = database.CheckParts(p)
		_ = p.String()
		// The URL means the same with everything escaped.
		if p.Dialect != postgres.Dialect || len(p.Hosts) != 1 {
			return
		}
		again := fmt.Sprintf("postgres://%s:%s@%s:%s/%s", url.PathEscape(p.User), url.PathEscape(p.Password),
			strings.ReplaceAll(url.PathEscape(p.Hosts[0].Name), ":", "%3A"), p.Hosts[0].Port, url.PathEscape(p.Name))
		q, err := database.ParseURL(kit.Options(database.Options{}), again)
		if err != nil || q.User != p.User || q.Password != p.Password || q.Hosts[0] != p.Hosts[0] || q.Name != p.Name {
			t.Errorf("%q: %+v became %q: %+v, %v", s, p, again, q, err)
		}
	})
}
