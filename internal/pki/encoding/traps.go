package encoding

import (
	"bytes"
	"encoding/asn1"
	"encoding/binary"
	"strings"

	"github.com/initbox/initbox/internal/pki/finding"
)

// text reports mistakes in the file as a whole and returns its content without
// them.
func (s *scanner) text(data []byte) []byte {
	if len(data) == 0 || len(data) < 4096 && len(bytes.TrimSpace(data)) == 0 {
		s.add(finding.FileEmpty, 0, "it is empty")
		return nil
	}
	if isDER(data) {
		return data
	}
	data = s.withoutBOM(data)
	if bytes.Contains(data, []byte(`-----\n`)) || bytes.Contains(data, []byte(`-----\r\n`)) {
		s.add(finding.LiteralNewline, 0, `it has the two characters \n instead of line breaks`)
		data = bytes.ReplaceAll(bytes.ReplaceAll(data, []byte(`\r`), nil), []byte(`\n`), []byte("\n"))
	}
	if bytes.Contains(data, []byte(begin)) {
		switch {
		case bytes.Contains(data, []byte("\r\n")):
			s.add(finding.CRLF, 0, "its lines end in CR LF")
		case bytes.IndexByte(data, '\r') >= 0 && bytes.IndexByte(data, '\n') < 0:
			s.add(finding.BareCR, 0, "its lines end in CR alone")
			data = bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
		}
	}
	return data
}

func (s *scanner) withoutBOM(data []byte) []byte {
	if rest, ok := bytes.CutPrefix(data, []byte("\xef\xbb\xbf")); ok {
		s.add(finding.BOM, 0, "it starts with a UTF-8 byte order mark")
		return rest
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		order = binary.BigEndian
	default:
		return data
	}
	s.add(finding.BOM, 0, "it is UTF-16 with a byte order mark, not ASCII")
	plain := make([]byte, 0, len(data)/2)
	for data = data[2:]; len(data) > 1; data = data[2:] {
		plain = append(plain, byte(order.Uint16(data)))
	}
	return plain
}

// withoutPEM reads a file without a BEGIN line.
func (s *scanner) withoutPEM(data []byte) {
	if isDER(data) {
		s.visit(Block{DER: data})
		return
	}
	inner, err := decode(data)
	switch {
	case err == nil && bytes.Contains(inner, []byte(begin)):
		s.add(finding.DoubleBase64, 0, "it is base64 of PEM: it was encoded twice")
		s.all(inner)
	case err == nil && isDER(inner):
		s.add(finding.BareBase64, 0, "it is base64 of DER without BEGIN and END lines")
		s.visit(Block{DER: inner})
	case startsDER(data):
		s.add(finding.TrailingGarbage, 0, "it is DER, but longer or shorter than it says")
	default:
		s.add(finding.NotPEM, 0, "there is no BEGIN line, and it is not DER%s", looksLike(data))
	}
}

// isDER reports whether data is one whole ASN.1 sequence.
func isDER(data []byte) bool {
	if !startsDER(data) {
		return false
	}
	var v asn1.RawValue
	rest, err := asn1.Unmarshal(data, &v)
	return err == nil && len(rest) == 0
}

func startsDER(data []byte) bool { return len(data) > 4 && data[0] == 0x30 && data[1] >= 0x80 }

func looksLike(data []byte) string {
	head := strings.ToLower(string(data[:min(len(data), 64)]))
	switch {
	case bytes.HasPrefix(data, []byte{0xfe, 0xed, 0xfe, 0xed}):
		return "; it is a Java keystore: give it with --keystore or --truststore"
	case strings.Contains(head, "ssh-"):
		return "; it looks like an SSH key"
	case strings.HasPrefix(head, "<"):
		return "; it looks like HTML or XML"
	case strings.HasPrefix(head, "{"):
		return "; it looks like JSON"
	}
	return ""
}
