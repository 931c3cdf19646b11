package main

import (
	"crypto/ed25519"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"
)

// demoSigners is the file that names the demo's key, for verify and ssh-keygen.
const demoSigners = "allowed_signers"

// makeDemoKey makes a signing key for this one demo. The private half lives in the
// environment of this process only.
func makeDemoKey(out string) error {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	block, err := ssh.MarshalPrivateKey(private, "tokenaudit demo")
	if err != nil {
		return err
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return err
	}
	if err := os.Setenv(demoSigningKey, string(pem.EncodeToMemory(block))); err != nil {
		return err
	}
	line := fmt.Sprintf("demo@tokenaudit namespaces=\"tokenaudit\" %s", ssh.MarshalAuthorizedKey(key))
	return os.WriteFile(filepath.Join(out, demoSigners), []byte(line), 0o600)
}
