package redact

import "testing"

func TestText(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"no URL", "connection refused by 10.0.0.1:5432", "connection refused by 10.0.0.1:5432"},
		{"URL without secrets", "get http://db:80/a?b=c: refused", "get http://db:80/a?b=c: refused"},
		{"userinfo", "postgres://app:s3cret@db/x", "postgres://***@db/x"},
		{"user alone", "http://app@db/", "http://***@db/"},
		{"at sign in the password", "mysql://a:p@ss@db:3306/x", "mysql://***@db:3306/x"},
		{"slash in the password", "mysql://a:p/ss@db:3306/x", "mysql://***@db:3306/x"},
		{"question mark in the password", "mysql://a:p?ss@db:3306/x", "mysql://***@db:3306/x"},
		{"query password", "postgres://db/x?user=a&password=s3cret&sslmode=require", "postgres://db/x?user=a&password=***&sslmode=require"},
		{"query password, other case", "http://h/?API_Key=abc#top", "http://h/?API_Key=***#top"},
		{"escaped parameter name", "http://h/?pass%77ord=abc", "http://h/?pass%77ord=***"},
		{"mail address in a query stays", "http://h/?to=a@b", "http://h/?to=a@b"},
		{"at sign in the query, too", "http://a:b@h?to=c@d", "http://***@h?to=c@d"},
		{"a sentence goes on", "get http://h/?token=abc: refused (http://u:p@h/).", "get http://h/?token=***: refused (http://***@h/)."},
		{"two URLs", `"http://a:b@c" and tcp://d:e@f.`, `"http://***@c" and tcp://***@f.`},
		{"ends after the scheme", "tcp://", "tcp://"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Text(c.in); got != c.want {
				t.Errorf("Text(%q)\n got %q\nwant %q", c.in, got, c.want)
			}
		})
	}
}

func TestSet(t *testing.T) {
	var s Set
	s.Add("hunter22")
	s.Add("hunter22-longer\n")
	s.Add("abc")
	if got, want := s.Text("a hunter22-longer b hunter22 c abc http://x:y@z"), "a *** b *** c abc http://***@z"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestUnreadable(t *testing.T) {
	for in, want := range map[string]string{
		"db:99999":                   "db:99999",
		"http://!#user:hunter22@":    "http://***@",
		"user:hunter22://@x":         "***@x",
		"a b:c@d@h:1":                "***@h:1",
		"ftp://h/?password=hunter22": "ftp://h/?password=***",
	} {
		if got := Unreadable(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
