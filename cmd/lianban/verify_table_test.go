package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lianban/internal/audit"
)

// DEL-951: who gets a table on a memory stick checks offline that it is ours.
func TestSignedTableIsVerifiedOffline(t *testing.T) {
	dir := t.TempDir()
	key, err := audit.CreateKey(filepath.Join(dir, "log.key"), "test.example/log")
	if err != nil {
		t.Fatal(err)
	}
	body, file := []byte("办件编号\r\n"), filepath.Join(dir, "点收表.csv")
	signature, err := (&audit.Desk{Key: key}).SignFile("点收表.csv", body)
	if err != nil {
		t.Fatal(err)
	}
	verify := func(key string) (string, error) {
		a, out := newTestApp(t)
		err := (&verifyCommand{File: file, Key: key}).Run(a)
		return out.String(), err
	}
	write := func(name string, body []byte) {
		t.Helper()
		if err := os.WriteFile(name, body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(file, body)
	if out, err := verify(key.Public); !errors.Is(err, exit(audit.ExitUnreadable)) || !strings.Contains(out, "同一目录") {
		t.Errorf("without its signature: %v %s", err, out)
	}
	write(file+".sig", signature)
	if out, err := verify(key.Public); err != nil || !strings.Contains(out, "核验通过：点收表.csv") {
		t.Errorf("good: %v %s", err, out)
	}
	if _, err := verify(""); !errors.Is(err, exit(audit.ExitUnreadable)) {
		t.Errorf("without a key: %v", err)
	}
	write(file, append(body, ' '))
	if out, err := verify(key.Public); !errors.Is(err, exit(audit.Fail.Exit())) || !strings.Contains(out, "重新索取") {
		t.Errorf("changed: %v %s", err, out)
	}
}
