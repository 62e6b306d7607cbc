package photo

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"image"
	"image/png"
	"testing"

	"golang.org/x/image/webp"
)

// One pixel each: without loss, and with.
var (
	lossless = unpack("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
	lossy    = unpack("UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA")
)

func unpack(text string) []byte {
	body, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return body
}

// riff puts chunks into a WebP file.
func riff(chunks ...[]byte) []byte {
	body := bytes.Join(chunks, nil)
	out := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(4+len(body)))
	return append(append(out, "WEBP"...), body...)
}

// extended is the header of an extended file with its canvas.
func extended(flags byte, width, height uint32) []byte {
	w, h := width-1, height-1
	return []byte{'V', 'P', '8', 'X', 10, 0, 0, 0, flags, 0, 0, 0, byte(w), byte(w >> 8), byte(w >> 16), byte(h), byte(h >> 8), byte(h >> 16)}
}

// frame is the header of a lossless frame of at most 16384 pixels a side, with nothing to unfold.
func frame(width, height uint32) []byte {
	out := []byte{'V', 'P', '8', 'L', 6, 0, 0, 0, 0x2f}
	return append(binary.LittleEndian.AppendUint32(out, width-1|(height-1)<<14), 0)
}

// SEC-15, DEL-604
func TestPictureIsKnownByItsContent(t *testing.T) {
	var square bytes.Buffer
	if err := png.Encode(&square, image.NewGray(image.Rect(0, 0, 3, 2))); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		body []byte
		want Header
	}{
		{square.Bytes(), Header{"image/png", 3, 2}},
		{lossless, Header{"image/webp", 1, 1}},
		{lossy, Header{"image/webp", 1, 1}},
		{riff(extended(0, 1, 1), lossless[12:]), Header{"image/webp", 1, 1}},
		{riff(extended(0, 1, 1), []byte("EXIF\x03\x00\x00\x00abc\x00"), lossy[12:]), Header{"image/webp", 1, 1}},
	} {
		if got, err := Read(c.body); err != nil || got != c.want || got.Vast() {
			t.Errorf("%q: %+v, %v", c.body[:16], got, err)
		}
	}
	for _, body := range [][]byte{lossless, lossy} {
		if _, err := webp.Decode(bytes.NewReader(body)); err != nil {
			t.Errorf("not a real picture: %v", err)
		}
	}
}

// SEC-15, DEL-604: what the frame or the canvas claims counts, whichever is more.
func TestVastPictureIsKnownFromEitherHeader(t *testing.T) {
	for name, body := range map[string][]byte{
		"canvas of 30000 × 30000":             riff(extended(0, 30000, 30000), lossless[12:]),
		"frame of 16384 × 16384":              riff(frame(16384, 16384)),
		"a vast frame behind a small canvas":  riff(extended(0, 1, 1), frame(16384, 16384)),
		"the same with transparency promised": riff(extended(0x10, 1, 1), frame(16384, 16384)),
	} {
		if got, err := Read(body); err != nil || !got.Vast() {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// SEC-15, DEL-604
func TestAPictureOfFortyMegapixelsIsNotVastAndOneLineMoreIs(t *testing.T) {
	if (Header{Width: 8000, Height: 5000}).Vast() || !(Header{Width: 8000, Height: 5001}).Vast() {
		t.Error("the limit is not 40 megapixels")
	}
}

// SEC-15
func TestWebPCutShortOrMovingIsNoPicture(t *testing.T) {
	for _, whole := range [][]byte{lossless, lossy, riff(extended(0, 1, 1), lossless[12:])} {
		for n := range whole {
			if got, err := Read(whole[:n]); err == nil {
				t.Errorf("%d of %d bytes are %+v", n, len(whole), got)
			}
		}
	}
	for name, body := range map[string][]byte{
		"animation":                  riff(extended(2, 1, 1), []byte("ANIM\x06\x00\x00\x00\xff\xff\xff\xff\x00\x00"), []byte("ANMF\x00\x00\x00\x00")),
		"canvas without a frame":     riff(extended(0, 1, 1)),
		"canvas larger than 2^31":    riff(extended(0, 1<<24, 1<<24), lossless[12:]),
		"chunk longer than the file": riff(extended(0, 1, 1), []byte("EXIF\xff\xff\xff\xff"), lossless[12:]),
		"frame longer than the file": riff(extended(0, 1, 1), []byte("VP8L\xff\x00\x00\x00/\x00\x00\x00\x10\x00")),
		"sound":                      []byte("RIFF\x04\x00\x00\x00WAVE"),
		"GIF":                        []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;"),
	} {
		if got, err := Read(body); err == nil {
			t.Errorf("%s is %+v", name, got)
		}
	}
}
