package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// fileHeader begins the text that is signed for a file; with spaces, so that it
// cannot be the origin of a checkpoint.
const fileHeader = "lianban file v1"

// ErrFileChanged means that a signature is good but not for these bytes.
var ErrFileChanged = errors.New("the file is not the one that was signed")

// SignFile makes the detached Ed25519 signature of a file that is carried by hand
// (DEL-951): a signed note of its name and SHA-256. The name has no line break.
func (d *Desk) SignFile(name string, body []byte) ([]byte, error) {
	return d.Key.sign(fileText(name, body))
}

func fileText(name string, body []byte) string {
	sum := sha256.Sum256(body)
	return fmt.Sprintf(fileHeader+"\nname %s\nsha256 %s\n", name, hex.EncodeToString(sum[:]))
}

// VerifyFile checks that one of the verifier keys signed the file and gives the
// name it was signed under. ErrFileChanged when the signature is for other bytes.
func VerifyFile(body, signature []byte, public ...string) (name string, err error) {
	keys, err := keyring(public...)
	if err != nil {
		return "", err
	}
	text, _, err := openNote(signature, keys)
	if err != nil {
		return "", fmt.Errorf("signature of a file: %w", err)
	}
	rest, isFile := strings.CutPrefix(text, fileHeader+"\nname ")
	name, _, cut := strings.Cut(rest, "\n")
	if !isFile || !cut || text != fileText(name, body) {
		return "", ErrFileChanged
	}
	return name, nil
}
