//go:build !linux

package dbtest

import "errors"

func startServer() (string, error) {
	return "", errors.New("a private server is started on Linux only; give the URL of one")
}
