//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

// longestSocket is the length in bytes of a path that every system takes for a socket.
const longestSocket = 100

// listenControl listens at path, for processes of this user only. What a killed process
// left there is taken away: the lock of the store has to be held.
func listenControl(ctx context.Context, path string) (net.Listener, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case info.Mode().Type() != fs.ModeSocket:
		return nil, fmt.Errorf("%s is in the way; remove it", path)
	default:
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	address, done, err := socketAddress(path)
	if err != nil {
		return nil, err
	}
	defer done()
	// Linux gives the file the mode of the descriptor, so that nobody else can open it
	// before the mode is set below.
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { _ = syscall.Fchmod(int(fd), 0o600) })
	}}
	l, err := config.Listen(ctx, "unix", address)
	if err != nil {
		return nil, err
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // it may have listened by another path
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func dialControl(ctx context.Context, path string) (net.Conn, error) {
	address, done, err := socketAddress(path)
	if err != nil {
		return nil, err
	}
	defer done()
	return new(net.Dialer).DialContext(ctx, "unix", address)
}

// socketAddress is a path to a socket that is short enough, until done. On Linux there is
// one by way of the open folder.
func socketAddress(path string) (address string, done func(), err error) {
	if len(path) <= longestSocket {
		return path, func() {}, nil
	}
	const open = "/proc/self/fd"
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return "", nil, err
	}
	address = fmt.Sprintf("%s/%d/%s", open, folder.Fd(), filepath.Base(path))
	if _, err := os.Stat(open); err != nil || len(address) > longestSocket {
		folder.Close()
		return "", nil, fmt.Errorf("the path %s is too long for a socket: use a store whose path is shorter", path)
	}
	return address, func() { folder.Close() }, nil
}
