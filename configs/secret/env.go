package secret

import (
	"errors"
	"os"
	"strings"
)

func readEnv(name string) (string, error) {
	value, ok := os.LookupEnv(name)
	if !ok {
		return "", errors.New("it is not set")
	}
	return value, nil
}

// isEnvName follows POSIX: letters, digits and underscores, no digit first.
func isEnvName(name string) bool {
	const letters = "_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	return strings.Trim(name, letters+"0123456789") == "" && strings.ContainsRune(letters, rune(name[0]))
}
