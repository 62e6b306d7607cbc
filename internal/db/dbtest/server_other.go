//go:build !unix

package dbtest

import "errors"

func startServer() (string, error) {
	return "", errors.New("a private server is started on Unix only; give the URL of one")
}
