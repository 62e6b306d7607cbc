package audit

import (
	"errors"
	"path/filepath"
	"testing"
)

// DEL-951: a file on hand-carried media is the one that was signed, by our key.
func TestSignatureOfAFileHoldsForItsBytesAndKeyOnly(t *testing.T) {
	mine, err := CreateKey(filepath.Join(t.TempDir(), "a.key"), "a.example/log")
	if err != nil {
		t.Fatal(err)
	}
	other, err := CreateKey(filepath.Join(t.TempDir(), "b.key"), "b.example/log")
	if err != nil {
		t.Fatal(err)
	}
	body := []byte("办件编号\r\n431103-2026-000001\r\n")
	sig, err := (&Desk{Key: mine}).SignFile("欠交清单.csv", body)
	if err != nil {
		t.Fatal(err)
	}
	if name, err := VerifyFile(body, sig, mine.Public); err != nil || name != "欠交清单.csv" {
		t.Errorf("%q, %v", name, err)
	}
	if _, err := VerifyFile(append(body, ' '), sig, mine.Public); !errors.Is(err, ErrFileChanged) {
		t.Errorf("other bytes: %v", err)
	}
	if _, err := VerifyFile(body, sig, other.Public); err == nil || errors.Is(err, ErrFileChanged) {
		t.Errorf("another key: %v", err)
	}
	checkpoint, err := mine.sign("a.example/log\n1\nhash\n")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := VerifyFile(body, checkpoint, mine.Public); !errors.Is(err, ErrFileChanged) {
		t.Errorf("a checkpoint passes for a signature: %v", err)
	}
}
