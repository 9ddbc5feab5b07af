package path

import (
	"time"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/finding"
)

// Judge judges a path that no signature holds together.
func Judge(p []*cert.Cert, at time.Time) finding.List { return Query{At: at}.judge(p) }
