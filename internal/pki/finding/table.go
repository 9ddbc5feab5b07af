package finding

import "slices"

// Files and their encoding.
const (
	FileMissing     Code = "file-missing"
	FileUnreadable  Code = "file-unreadable"
	FileEmpty       Code = "file-empty"
	BOM             Code = "encoding-bom"
	CRLF            Code = "encoding-crlf"
	BareCR          Code = "encoding-cr"
	DoubleBase64    Code = "encoding-double-base64"
	BareBase64      Code = "encoding-bare-base64"
	LiteralNewline  Code = "encoding-literal-newline"
	JoinedBlocks    Code = "encoding-joined-blocks"
	TrailingGarbage Code = "encoding-trailing-garbage"
	PEMMalformed    Code = "pem-malformed"
	PEMWrongKind    Code = "pem-wrong-kind"
	NotPEM          Code = "not-pem"
	CertMalformed   Code = "certificate-malformed"
)

// Private keys and keystores.
const (
	KeyMismatch         Code = "key-mismatch"
	KeyMalformed        Code = "key-malformed"
	KeyEncrypted        Code = "key-encrypted"
	KeyPassword         Code = "key-password-wrong"
	KeyLegacyEncryption Code = "key-legacy-encryption"
	KeyUnsupported      Code = "key-unsupported"
	KeySeveral          Code = "key-several"
	KeyMode             Code = "key-mode"
	KeyOwner            Code = "key-owner"
	StoreMalformed      Code = "keystore-malformed"
	StorePassword       Code = "keystore-password-wrong"
	StoreNoKey          Code = "keystore-no-key"
	StoreEmpty          Code = "keystore-no-certificate"
)

// Chains and times.
const (
	CAMissing                Code = "ca-missing"
	MissingIntermediate      Code = "chain-missing-intermediate"
	WrongCA                  Code = "chain-wrong-ca"
	CAOtherKey               Code = "chain-ca-other-key"
	CAIsIntermediate         Code = "chain-ca-is-intermediate"
	SelfSignedLeaf           Code = "chain-self-signed-leaf"
	LeafNotFirst             Code = "chain-leaf-not-first"
	WrongOrder               Code = "chain-order"
	Superfluous              Code = "chain-superfluous"
	RootIncluded             Code = "chain-root-included"
	ChainLimit               Code = "chain-limit"
	BadSignature             Code = "signature-invalid"
	WeakSignature            Code = "signature-weak"
	UnknownSignature         Code = "signature-unsupported"
	NotCA                    Code = "ca-not-ca"
	CAKeyUsage               Code = "ca-key-usage"
	PathLength               Code = "path-length"
	NameConstraint           Code = "name-constraint"
	NameConstraintsMalformed Code = "name-constraints-malformed"
	CriticalExtension        Code = "critical-extension"
	Policy                   Code = "policy"
	Expired                  Code = "expired"
	NotYetValid              Code = "not-yet-valid"
	ExpiresSoon              Code = "expires-soon"
)

// Names, usage, revocation, bundles, and malformed fields that no verifier
// accepts.
const (
	NameDNS            Code = "name-dns"
	NameIP             Code = "name-ip"
	NameURI            Code = "name-uri"
	Usage              Code = "usage"
	Revoked            Code = "revoked"
	CRLMalformed       Code = "crl-malformed"
	CRLSignature       Code = "crl-signature"
	CRLStale           Code = "crl-stale"
	CRLOtherIssuer     Code = "crl-other-issuer"
	CRLUnsupported     Code = "crl-unsupported"
	CRLLimit           Code = "crl-limit"
	BundleNotCA        Code = "bundle-not-a-ca"
	BundleDuplicate    Code = "bundle-duplicate"
	BundleKey          Code = "bundle-private-key"
	SerialNegative     Code = "serial-negative"
	VersionInvalid     Code = "version-invalid"
	AlgorithmMismatch  Code = "signature-algorithm-mismatch"
	DuplicateExtension Code = "duplicate-extension"
	Criticality        Code = "extension-criticality"
)

// Faults that only --strict looks for.
const (
	CNOnly           Code = "name-only-in-cn"
	CNNotInSAN       Code = "cn-not-in-san"
	SANMissing       Code = "san-missing"
	SANMalformed     Code = "san-malformed"
	AKIMissing       Code = "aki-missing"
	AKIMismatch      Code = "aki-mismatch"
	AKIForm          Code = "aki-form"
	SKIMissing       Code = "ski-missing"
	EKUMissing       Code = "eku-missing"
	EKUAny           Code = "eku-any"
	EKUOnRoot        Code = "eku-on-root"
	EKUEmpty         Code = "eku-empty"
	KeyWeak          Code = "key-weak"
	WildcardSuffix   Code = "wildcard-public-suffix"
	WildcardForm     Code = "wildcard-malformed"
	SerialInvalid    Code = "serial-invalid"
	VersionOld       Code = "version-old"
	NameEmpty        Code = "name-empty"
	LeafIsCA         Code = "leaf-is-ca"
	KeyUsageOdd      Code = "key-usage-odd"
	ConstraintsOdd   Code = "basic-constraints-odd"
	NameConstraintsX Code = "name-constraints-odd"
	ValidityEncoding Code = "validity-encoding"
	CRLMissing       Code = "crl-missing"
)

// Table returns the entries of all codes, in the order in which help shows them.
func Table() []Entry { return slices.Clone(table) }

// Lookup returns the entry of code; without one, an entry that has only the code.
func Lookup(code Code) Entry {
	if i := slices.IndexFunc(table, func(e Entry) bool { return e.Code == code }); i >= 0 {
		return table[i]
	}
	return Entry{Code: code}
}
