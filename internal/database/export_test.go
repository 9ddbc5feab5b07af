package database

// ParseURL is for tests.
func ParseURL(o *Options, url string) (*Parts, error) { return o.parseURL(url) }

// CheckParts is for tests.
func CheckParts(p *Parts) error { return p.check() }
