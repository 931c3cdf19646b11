package secret

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
)

func readFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	var content bounded
	_, err = io.Copy(&content, file)
	return content.text.String(), err
}

// fileWarnings has nothing to say on Windows, where Go makes the mode up.
func fileWarnings(path string) []string {
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS == "windows" || info.Mode().Perm()&0o044 == 0 {
		return nil
	}
	return []string{fmt.Sprintf("secret file %s can be read by group or others (mode %04o); chmod 600 it",
		path, info.Mode().Perm())}
}

var errTooLong = errors.New("it is longer than 64 KiB")

// bounded keeps what is written to it, up to 64 KiB: far more than any token,
// far less than a file named by mistake.
type bounded struct {
	text bytes.Buffer
	full bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.full = b.text.Len()+len(p) > 64<<10; b.full {
		return 0, errTooLong
	}
	return b.text.Write(p)
}
