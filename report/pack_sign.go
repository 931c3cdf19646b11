package report

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

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
		return nil, errors.New("the signing key is protected by a passphrase, which nobody can type in here; give one without, readable by this program only")
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
		return nil, fmt.Errorf("is no SSH signature: %w", err)
	}
	if !bytes.Equal(sshsig.Armor(s), signature) {
		return nil, errors.New("was changed: it is not written as tokenaudit writes it")
	}
	if err := sshsig.Verify(bytes.NewReader(content), s, s.PublicKey, s.HashAlgorithm, signatureNamespace); err != nil {
		return nil, fmt.Errorf("does not fit %s: one of the two was changed (%w)", sumsFile, err)
	}
	return s.PublicKey, nil
}
