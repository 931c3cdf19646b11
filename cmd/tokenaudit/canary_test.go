package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"strings"
)

// holdsCanary looks into a file, and into what is packed in it.
func holdsCanary(path string) (bool, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	found := hasCanary(data)
	switch {
	case strings.HasSuffix(path, ".gz"):
		r, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return found, err
		}
		plain, err := io.ReadAll(r)
		return found || hasCanary(plain), err
	case strings.HasSuffix(path, ".xlsx"):
		return zipHasCanary(data, found)
	}
	return found, nil
}

func zipHasCanary(data []byte, found bool) (bool, error) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return found, err
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			return found, err
		}
		plain, err := io.ReadAll(r)
		if err != nil {
			return found, err
		}
		found = found || hasCanary(plain)
	}
	return found, nil
}

func hasCanary(data []byte) bool { return bytes.Contains(data, []byte("canary-token")) }
