package delivery

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash/crc32"
	"runtime"
	"testing"
	"time"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
)

// vast is a PNG of a few hundred bytes that says it is 30,000 × 30,000 pixels.
func vast() []byte {
	var out bytes.Buffer
	out.WriteString("\x89PNG\r\n\x1a\n")
	header := make([]byte, 13)
	binary.BigEndian.PutUint32(header, 30_000)
	binary.BigEndian.PutUint32(header[4:], 30_000)
	header[8], header[9] = 8, 2 // eight bits of red, green and blue
	for _, chunk := range [][]byte{append([]byte("IHDR"), header...), append([]byte("IDAT"), bytes.Repeat([]byte{0}, 200)...), []byte("IEND")} {
		length := make([]byte, 4)
		binary.BigEndian.PutUint32(length, uint32(len(chunk)-4))
		sum := make([]byte, 4)
		binary.BigEndian.PutUint32(sum, crc32.ChecksumIEEE(chunk))
		out.Write(length)
		out.Write(chunk)
		out.Write(sum)
	}
	return out.Bytes()
}

// DEL-604, SEC-15: a picture that would unfold to gigabytes is refused from its
// header, and so is a document or archive under a photo's name.
func TestPictureThatWouldUnfoldIsRefusedFromItsHeader(t *testing.T) {
	w := newParcelWorld(t, dbtest.SQLite(t))
	put := func(body []byte) error {
		sum := sha256.Sum256(body)
		_, err := w.PutBlob(t.Context(), w.courier, hex.EncodeToString(sum[:]), body)
		return err
	}
	bomb := vast()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	w.refused(put(bomb), "blob_size")
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
		t.Errorf("looking at %d bytes took %d MB", len(bomb), used>>20)
	}
	canvas := "RIFF\x22\x00\x00\x00WEBPVP8X\n\x00\x00\x00\x00\x00\x00\x00\x2f\x75\x00\x2f\x75\x00VP8L\x06\x00\x00\x00/\x00\x00\x00\x00\x00" // 30000 × 30000
	w.refused(put([]byte(canvas)), "blob_size")
	for name, body := range map[string]string{
		"webp cut short": canvas[:len(canvas)-1], "zip": "PK\x03\x04 thousand times nothing", "pdf": "%PDF-1.7\n", "svg": "<svg xmlns='http://www.w3.org/2000/svg'/>", "gif": "GIF89a\x01\x00\x01\x00\x00\x00\x00;",
		"png cut short": "\x89PNG\r\n\x1a\n",
	} {
		if err := put([]byte(body)); err == nil {
			t.Errorf("a %s was taken for a photo", name)
		} else {
			w.refused(err, "blob_type")
		}
	}
}

// DEL-507, DEL-511, DEL-512: telephones whose clocks are days ahead or behind
// lose nothing: what happened counts in its own order, at the time it came in, as
// grade C; nothing is later than its receipt and no promise is met by a clock.
func TestClocksDaysOffLoseNothingAndWinNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for name, off := range map[string]time.Duration{"three days ahead": 72 * time.Hour, "five days behind": -120 * time.Hour} {
			w := newParcelWorld(t, d2(t, d))
			p := w.carried()
			code := w.code(p)
			start := w.at
			says := func(minutes int, what EventType, payload map[string]any) json.RawMessage {
				w.at = start.Add(time.Duration(minutes)*time.Minute + off)
				return w.event(p, what, "a1", payload)
			}
			started := says(5, EventStarted, nil)
			delivered := says(30, EventDelivered, map[string]any{"outcome": "recipient", "receiver": "欧阳修", "code": code})
			w.at = start.Add(8 * time.Hour) // after due; the clock was set right before sending
			w.accepted(delivered, started)
			v := w.parcel(p.ID)
			if v.State != ParcelDelivered || v.Verdict.Result != ResultMissed || v.Attempts != 1 || !slicesHas(v.Open, ExceptionTime) {
				t.Errorf("%s: %s %s, %d attempts, %v", name, v.State, v.Verdict.Result, v.Attempts, v.Open)
			}
			for _, s := range v.Steps {
				if s.EffectiveAt.After(s.ReceivedAt) {
					t.Errorf("%s: %s counts at %v, received at %v", name, s.Type, s.EffectiveAt, s.ReceivedAt)
				}
			}
		}
	})
}

// d2 is a database of its own, of the same engine.
func d2(t *testing.T, d *db.DB) *db.DB {
	if d.Postgres() {
		return dbtest.Postgres(t)
	}
	return dbtest.SQLite(t)
}
