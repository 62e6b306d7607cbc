package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"lianban/internal/fault"
)

// The one preset, djbh3 (SIM-13): what 等保三级 asks of passwords and sign-in.
const (
	shortest     = 10 // characters
	longest      = 128
	classes      = 3 // of lower case, upper case, digits, others
	remembered   = 5 // passwords that may not come back
	maxAge       = 90 * 24 * time.Hour
	maxFailures  = 5
	lockFor      = 15 * time.Minute
	idleFor      = 30 * time.Minute
	sessionFor   = 12 * time.Hour
	parallelHash = 2 // at once, 64 MB each (STK-47)
)

// Argon2 sets the work of one password hash. Memory is in KiB.
type Argon2 struct {
	Memory  uint32
	Time    uint32
	Threads uint8
}

// strict is the default of reliability 6.2: 64 MB, three passes, two lanes.
var strict = Argon2{Memory: 64 << 10, Time: 3, Threads: 2}

// gate lets a few callers through at a time.
type gate struct {
	once  sync.Once
	slots chan struct{}
}

func (g *gate) enter(ctx context.Context) error {
	g.once.Do(func() { g.slots = make(chan struct{}, parallelHash) })
	select {
	case g.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g *gate) leave() { <-g.slots }

// hash makes the stored form of a password:
// $argon2id$v=19$m=65536,t=3,p=2$salt$key.
func (d *Desk) hash(ctx context.Context, password string) (string, error) {
	work := d.Hash
	if work == (Argon2{}) {
		work = strict
	}
	salt := make([]byte, 16)
	rand.Read(salt)
	key, err := d.derive(ctx, work, salt, password)
	if err != nil {
		return "", err
	}
	enc := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, work.Memory, work.Time, work.Threads, enc(salt), enc(key)), nil
}

func (d *Desk) derive(ctx context.Context, work Argon2, salt []byte, password string) ([]byte, error) {
	if err := d.hashing.enter(ctx); err != nil {
		return nil, err
	}
	defer d.hashing.leave()
	return argon2.IDKey([]byte(password), salt, work.Time, work.Memory, work.Threads, 32), nil
}

// matches compares a password with its stored form. Without a stored form it
// does the same work and says no, so that an unknown login takes as long as a
// wrong password (SEC-7).
func (d *Desk) matches(ctx context.Context, stored, password string) (bool, error) {
	if stored == "" {
		_, err := d.hash(ctx, password)
		return false, err
	}
	var work Argon2
	var version int
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, fmt.Errorf("stored password has an unknown form")
	}
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &work.Memory, &work.Time, &work.Threads); err != nil {
		return false, fmt.Errorf("read stored password: %w", err)
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false, fmt.Errorf("read stored password: %w", err)
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil {
		return false, fmt.Errorf("read stored password: %w", err)
	}
	key, err := d.derive(ctx, work, salt, password)
	return err == nil && subtle.ConstantTimeCompare(key, want) == 1, err
}

// checkPassword refuses a password that the preset does not allow.
func checkPassword(login, password string) error {
	n := utf8.RuneCountInString(password)
	if n < shortest || n > longest || !utf8.ValidString(password) || kinds(password) < classes ||
		strings.Contains(strings.ToLower(password), login) {
		return fault.Refuse(fault.Invalid, "password_weak",
			"密码须为 %d 至 %d 位，含大写、小写、数字、符号中的至少 %d 类，且不含登录名",
			"a password has %d to %d characters, at least %d of lower case, upper case, digits and symbols, and not the login in it",
			shortest, longest, classes)
	}
	return nil
}

func kinds(password string) int {
	var lower, upper, digit, other int
	for _, r := range password {
		switch {
		case unicode.IsLower(r):
			lower = 1
		case unicode.IsUpper(r):
			upper = 1
		case unicode.IsDigit(r):
			digit = 1
		default:
			other = 1
		}
	}
	return lower + upper + digit + other
}
