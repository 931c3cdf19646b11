package main

import (
	"context"
	"errors"
	"net"
)

func listenControl(context.Context, string) (net.Listener, error) { return nil, errors.ErrUnsupported }

func dialControl(context.Context, string) (net.Conn, error) { return nil, errors.ErrUnsupported }
