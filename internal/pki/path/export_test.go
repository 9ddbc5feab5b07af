package path

import (
	"context"
	"time"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/finding"
)

// Judge judges a path without checking its signatures.
func Judge(ctx context.Context, p []*cert.Cert, at time.Time) finding.List {
	return Query{At: at}.judge(ctx, p, new(int))
}
