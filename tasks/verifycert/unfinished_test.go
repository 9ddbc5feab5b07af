package verifycert

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/testpki"
	"github.com/initbox/initbox/tasks"
)

// A countdown is a context that is done after a number of calls, so a test can end
// it at each place that checks it.
type countdown struct {
	context.Context
	left atomic.Int64
}

func (c *countdown) Err() error {
	if c.left.Add(-1) < 0 {
		return context.DeadlineExceeded
	}
	return nil
}

// Wherever the time runs out, an unfinished inspection is neither good nor the
// final result, and has no finding that a finished one would not have.
func TestUnfinished(t *testing.T) {
	bundle := flaggedWith(func(t *Task, m made) { t.Bundles = []string{m.path("ca.crt")} })
	strictCRL := both(strict, crlFile(nil, byInter, nil))
	for name, f := range map[string]fault{
		"good":                bundle,
		"bad":                 both(bundle, expired, caExpired, wrongName, otherKey),
		"superfluous":         arranged(func(m *made) { m.chain = append(m.chain, testpki.Root(t, "X"), m.root) }),
		"constraint, no CRL":  both(constraint, strictCRL),
		"revoked":             both(revoked, named("app.test")),
		"constraint kept":     both(leafWith(testpki.Names("a.test", "b.test")), interWith(func(c *testpki.Template) { c.PermittedDNSDomains = []string{"test"} })),
		"no chain to trusted": both(alone, wrongName),
	} {
		_, task := carryOut(t, f)
		whole := run(t, task)
		ends := 0
		for n := int64(1); ; n++ {
			ctx := &countdown{Context: t.Context()}
			ctx.left.Store(n)
			r := runCtx(ctx, t, task)
			if r.doc.Verdict != unfinished {
				if len(r.doc.Sets) != len(whole.doc.Sets) || r.doc.Verdict != whole.doc.Verdict {
					t.Errorf("%s: after %d: verdict %q with %d sets, the whole has %q", name, n, r.doc.Verdict, len(r.doc.Sets), whole.doc.Verdict)
				}
				break
			}
			ends++
			if !errors.Is(r.err, context.DeadlineExceeded) || tasks.Permanent(r.err) || !strings.Contains(r.err.Error(), "not all was verified") || len(r.doc.Errors) == 0 {
				t.Errorf("%s: after %d: %v", name, n, r.err)
			}
			for _, c := range r.codes() {
				if !slices.Contains(whole.codes(), c) {
					t.Errorf("%s: after %d: found %s, which a whole look does not", name, n, c)
				}
			}
			if len(r.doc.Sets) == 0 || len(r.summary) != len(r.doc.Sets) {
				t.Errorf("%s: after %d: %d sets, summary %q", name, n, len(r.doc.Sets), r.summary)
			}
			for i, s := range r.doc.Sets {
				if s.Verdict == good && whole.doc.Sets[i].Verdict != good {
					t.Errorf("%s: after %d: %s is called good", name, n, s.Name)
				}
			}
		}
		if ends < 5 {
			t.Errorf("%s: there were %d places to end", name, ends)
		}
	}
}

// Faults found in time are reported even if no inspection of --wait was finished.
func TestUnfinishedWait(t *testing.T) {
	m, task := carryOut(t, flagged(func(t *Task) { t.MaxKeyMode = "0400" }))
	task.Wait = true
	root := testpki.PEM(m.root)
	m.write(t, "ca.crt", bytes.Repeat(root, 10<<20/len(root)))
	for limit := 10 * time.Millisecond; ; limit *= 2 {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		r := runCtx(ctx, t, task)
		cancel()
		switch {
		case r.doc.Verdict == "", r.doc.Verdict == unfinished && len(r.codes()) == 0: // it did not even read the key
		case r.doc.Verdict != unfinished:
			t.Fatalf("within %v: %v, verdict %s", limit, r.err, r.doc.Verdict)
		case !slices.Equal(r.codes(), []string{"key-mode"}) || len(r.summary) != 1 || !strings.HasPrefix(r.summary[0], "unfinished "):
			t.Fatalf("within %v: %v, %q", limit, r.codes(), r.summary)
		default:
			return
		}
	}
}
