package waitdb

import (
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	value := ""
	for _, c := range []struct {
		task Task
		want []string
	}{
		{Task{Expect: &value, AtVersion: "x", Source: "y", NoLogin: true}, []string{
			"no database", "give --query", "--at-version and --source exclude each other", `--at-version: "x" is not the number`, "--table is empty", "--no-login excludes"}},
		{Task{AtVersion: "-1"}, []string{`"-1" is not the number`}},
	} {
		c.task.Database.LookupEnv = func(string) (string, bool) { return "", false }
		err := c.task.Check()
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want an error with %q", err, want)
			}
		}
	}
}
