// Package encoding splits files of certificates and keys, PEM or DER, into blocks,
// and reports the mistakes that people make with such files. Unlike encoding/pem,
// it never skips a bad block silently.
package encoding

import (
	"bytes"
	"encoding/base64"
	"strings"

	"github.com/initbox/initbox/internal/pki/finding"
)

// A Block is one piece of DER.
type Block struct {
	Type   string // as in its BEGIN line; "" in a DER file
	DER    []byte
	Number int  // in its file, counted from 1; 0 in a DER file
	Legacy bool // it has a DEK-Info header: the old encryption
}

// MaxFile is the size of the largest file that is read, in bytes.
const MaxFile = 16 << 20

// Each calls visit for every block of data, and returns what is wrong with the
// encoding.
func Each(data []byte, file string, visit func(Block)) finding.List {
	s := &scanner{file: file, visit: visit}
	s.all(data)
	return s.findings
}

type scanner struct {
	file     string
	visit    func(Block)
	findings finding.List

	number  int // of the current block
	line    int
	open    string // type of the current block, "" between blocks
	headers bool   // within its headers
	legacy  bool
	body    []byte
	stray   int // line of the first text since the current block that is not a comment
}

func (s *scanner) add(code finding.Code, block int, format string, args ...any) {
	s.findings.Add(code, s.file, block, format, args...)
}

const (
	begin = "-----BEGIN "
	end   = "-----END "
	dash  = "-----"
)

func (s *scanner) all(data []byte) {
	data = s.text(data)
	if len(data) == 0 {
		return
	}
	if !bytes.Contains(data, []byte(begin)) {
		s.withoutPEM(data)
		return
	}
	for line := range bytes.Lines(data) {
		s.line++
		s.next(string(bytes.TrimRight(line, "\r\n \t")))
	}
	if s.open != "" {
		s.broken("it is cut off: there is no END line")
	}
	if s.number == 0 && !s.findings.Failed() {
		s.add(finding.NotPEM, 0, "there is no whole BEGIN line in it")
	}
	if s.stray > 0 && s.number > 0 {
		s.add(finding.TrailingGarbage, 0, "line %d, after the last block, is not PEM", s.stray)
	}
}

// next processes one line.
func (s *scanner) next(line string) {
	switch {
	case strings.HasPrefix(line, begin):
		s.begin(line)
	case strings.HasPrefix(line, end):
		s.end(line)
	case s.open != "":
		s.inside(line)
	case strings.Contains(line, begin), strings.Contains(line, end):
		s.add(finding.PEMMalformed, 0, "line %d has text before its dashes: BEGIN and END must be on lines of their own", s.line)
	case strings.Contains(line, "--BEGIN") || strings.Contains(line, "--END"):
		s.add(finding.PEMMalformed, 0, "line %d looks like a BEGIN or END line but does not have five dashes on both sides", s.line)
	case line != "" && !strings.HasPrefix(line, "#") && s.stray == 0:
		s.stray = s.line
	}
}

func (s *scanner) begin(line string) {
	if s.open != "" {
		s.broken("it is cut off: the next one begins within it")
	}
	s.number++
	s.stray = 0
	kind, rest, ok := strings.Cut(strings.TrimPrefix(line, begin), dash)
	switch {
	case !ok:
		s.add(finding.PEMMalformed, s.number, "line %d does not end in five dashes", s.line)
	case kind == "":
		s.add(finding.PEMMalformed, s.number, "line %d does not say what begins", s.line)
	case rest != "" && strings.Contains(rest, end):
		s.add(finding.PEMMalformed, s.number, "line %d holds the whole block: its line breaks were lost", s.line)
	case rest != "":
		s.add(finding.PEMMalformed, s.number, "line %d has text after its dashes", s.line)
		s.open = kind
	default:
		s.open = kind
	}
	s.headers, s.legacy, s.body = true, false, s.body[:0]
}

func (s *scanner) inside(line string) {
	if s.headers && strings.Contains(line, ":") {
		s.legacy = s.legacy || strings.HasPrefix(line, "DEK-Info:")
		return
	}
	if strings.TrimSpace(line) != "" {
		s.headers = false
	}
	if i := strings.Index(line, end); i >= 0 { // the line break before END was lost
		s.body = append(s.body, line[:i]...)
		s.broken("its END is not on a line of its own")
		return
	}
	s.body = append(s.body, line...)
	if len(s.body) > MaxFile {
		s.body = s.body[:MaxFile]
	}
}

func (s *scanner) end(line string) {
	kind, rest, ok := strings.Cut(strings.TrimPrefix(line, end), dash)
	switch {
	case s.open == "":
		s.add(finding.PEMMalformed, 0, "line %d is an END line without a BEGIN line", s.line)
	case !ok:
		s.broken("its END line does not end in five dashes")
	case kind != s.open:
		s.broken("it begins as " + quote(s.open) + " and ends as " + quote(kind))
	default:
		s.done()
	}
	s.stray = 0
	if strings.HasPrefix(rest, begin) {
		s.add(finding.JoinedBlocks, s.number, "line %d: END and the next BEGIN are on one line", s.line)
		s.begin(rest)
	} else if rest != "" {
		s.stray = s.line
	}
}

// done decodes the block that has ended.
func (s *scanner) done() {
	kind := s.open
	s.open = ""
	der, err := decode(s.body)
	if err != nil || len(der) == 0 {
		why := "the text between BEGIN and END is not base64"
		if len(s.body) == 0 {
			why = "it is empty"
		}
		s.add(finding.PEMMalformed, s.number, "%s", why)
		return
	}
	s.visit(Block{Type: kind, DER: der, Number: s.number, Legacy: s.legacy})
}

func (s *scanner) broken(why string) {
	s.add(finding.PEMMalformed, s.number, "%s", why)
	s.open = ""
}

// decode reads base64, with or without white space. It requires padding.
func decode(text []byte) ([]byte, error) {
	if bytes.ContainsAny(text, " \t\r\n\v\f") {
		text = bytes.Join(bytes.Fields(text), nil)
	}
	der := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(der, text)
	return der[:n], err
}

// quote limits the type of a block, which may be any text.
func quote(kind string) string {
	if len(kind) > 40 {
		kind = kind[:40] + "..."
	}
	return strings.ToValidUTF8(kind, "?")
}
