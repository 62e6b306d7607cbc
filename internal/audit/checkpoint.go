package audit

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// Checkpoint is a signed statement that the log had Size leaves and this root
// (EV-6). Its note is the C2SP form (c2sp.org/tlog-checkpoint): origin, size
// and root on a line each, signed with Ed25519. The text is ours because
// tlog.FormatTree writes the header of the Go checksum database.
type Checkpoint struct {
	Origin string
	Size   int64
	Root   Hash
	At     time.Time // when it was signed, UTC; zero when read from a note, which does not say
	Note   []byte
}

const footerMark = "校验点 "

func (c Checkpoint) text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, c.Root)
}

// Footer gives the checkpoint as the two lines at the end of a mail (ICA-70):
// "校验点 origin size root" and the signature. Every mailbox that keeps the mail
// is a witness of the log (EV-8).
func (c Checkpoint) Footer() string {
	_, signature, _ := strings.Cut(string(c.Note), "\n\n")
	body := strings.TrimSuffix(c.text(), "\n")
	return footerMark + strings.ReplaceAll(body, "\n", " ") + "\n" + signature
}

// OpenCheckpoint reads a checkpoint, as a note or as the two lines of a mail's
// footer, and checks that one of the verifier keys signed it.
func OpenCheckpoint(b []byte, public ...string) (Checkpoint, error) {
	keys, err := keyring(public...)
	if err != nil {
		return Checkpoint{}, err
	}
	return openCheckpoint(fromFooter(b), keys)
}

// fromFooter turns the two footer lines into the note they stand for; anything
// else it leaves alone.
func fromFooter(b []byte) []byte {
	text := strings.TrimSpace(strings.ReplaceAll(string(b), "\r", ""))
	text, found := strings.CutPrefix(text, footerMark)
	if !found {
		return b
	}
	body, signature, _ := strings.Cut(text, "\n")
	return []byte(strings.Join(strings.Fields(body), "\n") + "\n\n" + strings.TrimSpace(signature) + "\n")
}

func openCheckpoint(b []byte, keys note.Verifiers) (Checkpoint, error) {
	text, signer, err := openNote(b, keys)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w", err)
	}
	c, err := parseCheckpoint(text)
	if err == nil && c.Origin != signer {
		err = errors.New("origin is not the signer")
	}
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w", err)
	}
	c.Note = b
	return c, nil
}

// parseCheckpoint reads the text of a checkpoint without looking at signatures.
func parseCheckpoint(text string) (c Checkpoint, err error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[0] == "" || lines[3] != "" {
		return c, errors.New("text is not origin, size and root")
	}
	c.Origin = lines[0]
	if c.Size, err = parseNumber(lines[1]); err != nil {
		return c, err
	}
	if c.Size == 0 {
		return c, errors.New("size is zero")
	}
	c.Root, err = parseHash(lines[2])
	return c, err
}

// parseNumber reads a decimal as strconv writes it, up to 2^53−1. The bound also
// keeps hostile sizes away from package tlog, which loops for ever from 2^62 on.
func parseNumber(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err == nil && (n < 0 || n > maxInt || strconv.FormatInt(n, 10) != s) {
		err = fmt.Errorf("%q is not a number from 0 to 2^53−1", s)
	}
	return n, err
}
