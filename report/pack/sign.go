package pack

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

// signer is a line of an allowed-signers file (ssh-keygen(1), ALLOWED SIGNERS).
type signer struct {
	principals    string
	key           ssh.PublicKey
	after, before time.Time // zero is no bound
}

// parseSigners reads an allowed-signers file. Keys of other namespaces are left
// out. It refuses what it does not understand, since that may be a bound.
func parseSigners(text []byte) ([]signer, error) {
	var out []signer
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		s, ours, err := parseSigner(line)
		if err != nil {
			return nil, fmt.Errorf("allowed signers, line %d: %w", number, err)
		}
		if ours {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("the allowed-signers file has no key for the namespace " + signatureNamespace)
	}
	return out, nil
}

func parseSigner(line string) (s signer, ours bool, err error) {
	principals, rest := cutPrincipals(line)
	key, _, options, _, err := ssh.ParseAuthorizedKey([]byte(rest))
	if err != nil {
		return s, false, errors.New("needs principals, options and a public key, such as: audit@example.com ssh-ed25519 AAAA…")
	}
	s, ours = signer{principals: principals, key: key}, true
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		value = strings.Trim(value, `"`)
		switch strings.ToLower(name) {
		case "namespaces":
			ours = slices.Contains(strings.Split(value, ","), signatureNamespace)
		case "valid-after":
			s.after, err = parseSignerTime(value)
		case "valid-before":
			s.before, err = parseSignerTime(value)
		default:
			err = fmt.Errorf("option %.40q is not supported", name)
		}
		if err != nil {
			return s, false, err
		}
	}
	return s, ours, nil
}

func cutPrincipals(line string) (principals, rest string) {
	if quoted, ok := strings.CutPrefix(line, `"`); ok {
		principals, rest, _ = strings.Cut(quoted, `"`)
		return principals, rest
	}
	at := strings.IndexAny(line, " \t")
	if at < 0 {
		return line, ""
	}
	return line[:at], line[at:]
}

// parseSignerTime reads YYYYMMDD[HHMM[SS]][Z]; without Z it is local, as for
// ssh-keygen.
func parseSignerTime(text string) (time.Time, error) {
	digits, utc := strings.CutSuffix(text, "Z")
	zone := time.Local
	if utc {
		zone = time.UTC
	}
	for _, layout := range []string{"20060102", "200601021504", "20060102150405"} {
		if len(digits) == len(layout) {
			return time.ParseInLocation(layout, digits, zone)
		}
	}
	return time.Time{}, fmt.Errorf("%.40q is not a time such as 20261231 or 202612312359Z", text)
}

// findSigner gives the line that allows a key at a time.
func findSigner(all []signer, key ssh.PublicKey, at time.Time) (signer, error) {
	reason := "is of a key that the allowed-signers file does not have: " + ssh.FingerprintSHA256(key)
	for _, s := range all {
		if !bytes.Equal(s.key.Marshal(), key.Marshal()) {
			continue
		}
		if (s.after.IsZero() || !at.Before(s.after)) && (s.before.IsZero() || at.Before(s.before)) {
			return s, nil
		}
		reason = fmt.Sprintf("is of the key %s, which was not valid at %s", ssh.FingerprintSHA256(key), at.UTC().Format(time.RFC3339))
	}
	return signer{}, errors.New(reason)
}

// signatureNamespace keeps a signature of a pack from counting elsewhere, and the
// other way round: ssh-keygen -Y verify -n tokenaudit.
const signatureNamespace = "tokenaudit"

// parseKey reads a private key; nil without one. Its errors do not repeat it.
func parseKey(pem []byte) (ssh.Signer, error) {
	if len(pem) == 0 {
		return nil, nil
	}
	key, err := ssh.ParsePrivateKey(pem)
	switch {
	case errors.As(err, new(*ssh.PassphraseMissingError)):
		return nil, errors.New("the signing key has a passphrase, which cannot be entered here. Use a key without one, readable by this program only")
	case err != nil:
		return nil, errors.New("the signing key is not a private SSH key in PEM, such as ssh-keygen -t ed25519 makes")
	}
	kinds := []string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSA}
	if kind := key.PublicKey().Type(); !slices.Contains(kinds, kind) {
		return nil, fmt.Errorf("the signing key is of type %s; use ed25519, ecdsa or rsa", kind)
	}
	return key, nil
}

// sign makes SHA256SUMS.sig. Without a source of randomness the same content gives
// the same signature for ECDSA, too (RFC 6979; crypto/ecdsa PrivateKey.Sign).
func sign(content []byte, key ssh.Signer) ([]byte, error) {
	s, err := sshsig.SignWithRand(bytes.NewReader(content), nil, key, sshsig.HashSHA512, signatureNamespace)
	if err != nil {
		return nil, err
	}
	return sshsig.Armor(s), nil
}

// signerOf verifies a signature against the key inside it, and gives that key.
func signerOf(content, signature []byte) (ssh.PublicKey, error) {
	s, err := sshsig.Unarmor(signature)
	if err != nil {
		return nil, fmt.Errorf("is not an SSH signature: %w", err)
	}
	if !bytes.Equal(sshsig.Armor(s), signature) {
		return nil, errors.New("was changed: it is not written as tokenaudit writes it")
	}
	if err := sshsig.Verify(bytes.NewReader(content), s, s.PublicKey, s.HashAlgorithm, signatureNamespace); err != nil {
		return nil, fmt.Errorf("does not fit %s: one of the two was changed (%w)", sumsFile, err)
	}
	return s.PublicKey, nil
}
