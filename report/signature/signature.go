// Package signature makes and checks SSH signatures, as ssh-keygen -Y sign and verify do,
// and reads the allowed-signers files that say whose they may be.
package signature

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

// ParseKey reads a private key; nil without one. Its errors do not repeat it.
func ParseKey(pem []byte) (ssh.Signer, error) {
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

// Sign makes a signature for a namespace. Without a source of randomness the same content
// gives the same signature for ECDSA, too (RFC 6979; crypto/ecdsa PrivateKey.Sign).
func Sign(content []byte, key ssh.Signer, namespace string) ([]byte, error) {
	s, err := sshsig.SignWithRand(bytes.NewReader(content), nil, key, sshsig.HashSHA512, namespace)
	if err != nil {
		return nil, err
	}
	return sshsig.Armor(s), nil
}

// IsOurs reports whether a signature is written as Sign writes it: that of a file in which
// every byte counts.
func IsOurs(armored []byte) bool {
	s, err := sshsig.Unarmor(armored)
	return err == nil && bytes.Equal(sshsig.Armor(s), armored)
}

// KeyOf verifies a signature of a file against the key inside it, and gives that key. Its
// errors go on where the name of the signature stands.
func KeyOf(file string, content, armored []byte, namespace string) (ssh.PublicKey, error) {
	s, err := sshsig.Unarmor(armored)
	if err != nil {
		return nil, fmt.Errorf("is not an SSH signature: %w", err)
	}
	if s.Signature.Format == ssh.KeyAlgoRSA { // with SHA-1, which OpenSSH refuses, too
		return nil, errors.New("is an RSA signature with SHA-1; sign with a newer ssh-keygen")
	}
	if err := sshsig.Verify(bytes.NewReader(content), s, s.PublicKey, s.HashAlgorithm, namespace); err != nil {
		return nil, fmt.Errorf("does not fit %s: one of the two was changed (%w)", file, err)
	}
	return s.PublicKey, nil
}
