package audit

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Key is the log's Ed25519 signing key. Its public half, the verifier key, is
// what a department pins to check bundles for itself.
type Key struct {
	Origin string // name of the log in every checkpoint: "yongzhou.lianban.cn/log"
	Public string // verifier key as package note writes it: origin+hash+base64
	signer note.Signer
}

// ErrKeyOpen means that others than the owner may read the key file (SEC-32).
var ErrKeyOpen = errors.New("key file is open to group or others")

// CreateKey makes a new key for the log called origin (no space, no "+") and
// stores it in a new file of mode 0400. An existing file is never overwritten:
// then the error is fs.ErrExist.
func CreateKey(file, origin string) (*Key, error) {
	secret, _, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return nil, fmt.Errorf("make log key: %w", err)
	}
	key, err := parseKey(secret)
	if err != nil {
		return nil, fmt.Errorf("make log key for %q: %w", origin, err)
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o400)
	if err != nil {
		return nil, fmt.Errorf("store log key: %w", err)
	}
	_, err = f.WriteString(secret + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("store log key: %w", errors.Join(err, os.Remove(file)))
	}
	return key, nil
}

// LoadKey reads a key file. ErrKeyOpen if group or others have any right on it,
// fs.ErrNotExist if there is none; a new key for an old log is refused by
// Desk.VerifySince.
func LoadKey(file string) (*Key, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read log key: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read log key: %w", err)
	}
	// on Windows, which is for demo only, these bits say nothing about who may read
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("%w: %s has mode %04o; run chmod 400 on it, and replace the key if anybody may have read it",
			ErrKeyOpen, file, mode)
	}
	secret := make([]byte, 1024) // a key is about 120 bytes
	n, err := f.Read(secret)
	if err != nil {
		return nil, fmt.Errorf("read log key %s: %w", file, err)
	}
	key, err := parseKey(strings.TrimSpace(string(secret[:n])))
	if err != nil {
		return nil, fmt.Errorf("read log key %s: %w", file, err)
	}
	return key, nil
}

// parseKey reads PRIVATE+KEY+origin+hash+base64(algorithm, seed). Package note
// checks all of it; here only the public half is derived.
func parseKey(secret string) (*Key, error) {
	signer, err := note.NewSigner(secret)
	if err != nil {
		return nil, errors.New("not a log key") // the cause might quote the secret
	}
	raw, err := base64.StdEncoding.DecodeString(strings.SplitN(secret, "+", 5)[4])
	if err != nil {
		return nil, errors.New("not a log key")
	}
	public := ed25519.NewKeyFromSeed(raw[1:]).Public().(ed25519.PublicKey)
	verifier, err := note.NewEd25519VerifierKey(signer.Name(), public)
	if err != nil {
		return nil, err
	}
	return &Key{Origin: signer.Name(), Public: verifier, signer: signer}, nil
}

// Fingerprint gives the SHA-256 of a verifier key in hex, to be read out on the
// telephone or printed when the key is published.
func Fingerprint(public string) string {
	sum := sha256.Sum256([]byte(public))
	return hex.EncodeToString(sum[:])
}

// sign makes a signed note of text, which ends in a newline.
func (k *Key) sign(text string) ([]byte, error) {
	return note.Sign(&note.Note{Text: text}, k.signer)
}

// keyring reads verifier keys.
func keyring(public ...string) (note.Verifiers, error) {
	var list []note.Verifier
	for _, p := range public {
		v, err := note.NewVerifier(strings.TrimSpace(p))
		if err != nil {
			return nil, fmt.Errorf("verifier key %q: %w", p, err)
		}
		list = append(list, v)
	}
	return note.VerifierList(list...), nil
}

// openNote gives the text of a note and the name of the key in keys that signed
// it. Package note takes several spellings of the same signature; here only the
// one that Sign writes counts, so that no byte of a note can be altered.
func openNote(b []byte, keys note.Verifiers) (text, signer string, err error) {
	n, err := note.Open(b, keys)
	if err != nil {
		return "", "", err
	}
	for _, s := range n.Sigs {
		if _, err := base64.StdEncoding.Strict().DecodeString(s.Base64); err != nil {
			return "", "", fmt.Errorf("signature of %s is not in canonical form", s.Name)
		}
	}
	return n.Text, n.Sigs[0].Name, nil
}
