package verifycert

import (
	"strings"
	"testing"

	pkcs12 "software.sslmate.com/src/go-pkcs12"
)

// Each fault of a file that is given twice is reported once.
func TestGivenTwice(t *testing.T) {
	for name, give := range map[string]func(task *Task, store, other string){
		"keystore and truststore": func(task *Task, store, _ string) { task.Keystores, task.Truststores = []string{store}, []string{store} },
		"keystore twice":          func(task *Task, store, _ string) { task.Keystores = []string{store, store} },
		"truststore twice":        func(task *Task, store, _ string) { task.Truststores = []string{store, store} },
		"all of it twice": func(task *Task, store, _ string) {
			task.Keystores, task.Truststores = []string{store, store}, []string{store, store}
		},
		"truststore of another keystore": func(task *Task, store, other string) {
			task.Keystores, task.Truststores = []string{other}, []string{store, store}
		},
		"with another keystore before it": func(task *Task, store, other string) {
			task.Keystores, task.Truststores = []string{other, store}, []string{store}
		},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			m, task := carryOut(t)
			task.Dirs, task.CA = nil, []string{m.path("ca.crt")}
			task.PasswordFile = m.write(t, "password", []byte("changeit"))
			store := m.write(t, "store", p12(pkcs12.Modern)(t, m, "another password"))
			other := m.write(t, "other", p12(pkcs12.Modern)(t, m, "changeit"))
			give(task, store, other)
			r := expect(t, task, "keystore-password-wrong")
			seen := make(map[string]bool)
			for _, s := range r.doc.Sets {
				if seen[s.Name] || len(s.Findings) != 1 {
					t.Errorf("%s is reported again, or has its fault %d times:\n%s", s.Name, len(s.Findings), r.stdout)
				}
				seen[s.Name] = true
			}
			for _, line := range r.summary {
				if strings.Count(line, "does not open it") != 1 {
					t.Errorf("%q", line)
				}
			}
		})
	}
}

// A file that is good in one role and bad in another is reported in both.
func TestGoodKeystoreBadTruststore(t *testing.T) {
	m, task := carryOut(t)
	store := m.write(t, "store.jks", jksKey(t, m, "changeit"))
	task.Dirs, task.CA, task.PasswordFile = nil, []string{m.path("ca.crt")}, m.write(t, "password", []byte("changeit"))
	task.Keystores, task.Truststores = []string{store}, []string{store}
	r := expect(t, task, "keystore-no-certificate")
	if len(r.doc.Sets) != 2 || r.doc.Sets[0].Verdict != good || r.doc.Sets[1].Verdict != failed {
		t.Errorf("got %s", r.stdout)
	}
}

// The next step of several faults appears once, after the last of them.
func TestNextStepOnce(t *testing.T) {
	m, task := carryOut(t)
	m.write(t, "tls.crt", nil)
	m.write(t, "tls.key", nil)
	r := expect(t, task, "file-empty")
	line := strings.Join(r.summary, "\n")
	first, second := strings.Index(line, "tls.crt: it is empty"), strings.Index(line, "tls.key: it is empty")
	if next := strings.Index(line, "look at what fills the Secret"); first < 0 || second < first || next < second || strings.Count(line, "look at what") != 1 {
		t.Errorf("the termination message says %q", line)
	}
}
