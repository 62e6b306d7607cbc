package photo

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"
)

func picture(t testing.TB) image.Image {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 24, 16))
	for i := range m.Pix {
		m.Pix[i] = byte(i * 37)
	}
	m.Set(3, 3, color.White)
	return m
}

func jpegOf(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, picture(t), nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// tiff is Exif data with an orientation, a time and a place, whose degrees are 26,
// 25, 48 in rationals that stand behind the directory.
func tiff(order byteOrder) []byte {
	b := []byte("II*\x00")
	if order == byteOrder(binary.BigEndian) {
		b = []byte("MM\x00*")
	}
	u16 := func(v uint16) { b = order.AppendUint16(b, v) }
	u32 := func(v uint32) { b = order.AppendUint32(b, v) }
	entry := func(tag, kind uint16, n, value uint32) { u16(tag); u16(kind); u32(n); u32(value) }
	u32(8)
	u16(3) // the first directory
	entry(0x0112, 4, 1, 6)
	entry(0x0132, 2, 20, 80)
	entry(0x8825, 4, 1, 50)
	u32(0)
	u16(2) // at 50: of the place
	entry(1, 2, 2, 'N')
	entry(2, 5, 3, 100)
	u32(0)
	b = append(b, "2026:11"+":26 09:40:00\x00"...) // at 80
	for _, v := range []uint32{26, 1, 25, 1, 48, 1} {
		u32(v)
	}
	return b
}

// with puts an APP1 segment behind the start of a JPEG.
func with(body []byte, data ...string) []byte {
	out := bytes.Clone(body[:2])
	for _, d := range data {
		out = append(out, 0xFF, 0xE1)
		out = binary.BigEndian.AppendUint16(out, uint16(len(d)+2))
		out = append(out, d...)
	}
	return append(out, body[2:]...)
}

func same(t *testing.T, a, b []byte) {
	t.Helper()
	one, _, err := image.Decode(bytes.NewReader(a))
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	for y := range 16 {
		for x := range 24 {
			if one.At(x, y) != other.At(x, y) {
				t.Fatalf("another pixel at %d, %d", x, y)
			}
		}
	}
}

func TestAPhotoLosesItsPlaceAndKeepsTimeOrientationAndPixels(t *testing.T) { // SEC-15, INS-1006
	plain := jpegOf(t)
	for _, order := range []byteOrder{binary.LittleEndian, binary.BigEndian} {
		exif := string(tiff(order))
		degrees := string(tiff(order)[100:])
		body := with(plain, exifHead+exif, "http://ns.adobe.com/xap/1.0/\x00<x exif:GPSLatitude='26,25'/>")
		if !strings.Contains(string(body), degrees) {
			t.Fatal("the test's photo has no place")
		}
		clean := WithoutPlace(body)
		if strings.Contains(string(clean), degrees) || bytes.Contains(clean, []byte("GPS")) {
			t.Error("the place is still in it")
		}
		at := bytes.Index(clean, []byte(exifHead)) + len(exifHead)
		if left := clean[at+50 : at+76]; !bytes.Equal(left, make([]byte, 26)) { // neither entries nor their short values
			t.Errorf("the directory of the place still says %x", left)
		}
		if !bytes.Contains(clean, []byte("2026:11:26 09:40:00")) || !bytes.Contains(clean, []byte(exif[:34])) {
			t.Error("time or orientation is gone")
		}
		same(t, body, clean)
		if again := WithoutPlace(clean); !bytes.Equal(again, clean) {
			t.Error("there was still something to take out")
		}
	}
	if got := WithoutPlace(plain); !bytes.Equal(got, plain) {
		t.Error("a photo without a place was changed")
	}
	for _, other := range []string{"", "\xFF", "\xFF\xD8", "%PDF-1.7", "RIFF\x00\x00\x00\x00WEBP"} {
		if got := WithoutPlace([]byte(other)); string(got) != other && !strings.HasPrefix(other, "RIFF") {
			t.Errorf("%q became %q", other, got)
		}
	}
}

// What a reader might follow and we cannot is left out whole (SEC-15).
func TestExifDataThatCannotBeReadIsLeftOut(t *testing.T) {
	plain := jpegOf(t)
	order := binary.LittleEndian
	for name, spoil := range map[string]func(b []byte) []byte{
		"no order":            func(b []byte) []byte { b[0] = 'X'; return b },
		"cut":                 func(b []byte) []byte { return b[:40] },
		"directory outside":   func(b []byte) []byte { order.PutUint32(b[4:], 1<<31); return b },
		"place outside":       func(b []byte) []byte { order.PutUint32(b[42:], 1<<30); return b },
		"too many entries":    func(b []byte) []byte { order.PutUint16(b[50:], 60_000); return b },
		"value outside":       func(b []byte) []byte { order.PutUint32(b[72:], 1<<20); return b },
		"value in the header": func(b []byte) []byte { order.PutUint32(b[72:], 0); return b },
		"value without type":  func(b []byte) []byte { order.PutUint16(b[66:], 77); return b },
		"value of all bytes":  func(b []byte) []byte { order.PutUint32(b[68:], 1<<32-1); return b },
	} {
		data := string(spoil(tiff(order)))
		clean := WithoutPlace(with(plain, exifHead+data))
		if !bytes.Equal(clean, plain) {
			t.Errorf("%s: %d bytes more than the picture", name, len(clean)-len(plain))
		}
	}
}

// Telephones append further pictures, which have a place of their own.
func TestWhatStandsBehindThePictureIsLeftOut(t *testing.T) {
	plain := jpegOf(t)
	if got := WithoutPlace(append(bytes.Clone(plain), with(plain, exifHead+string(tiff(binary.BigEndian)))...)); !bytes.Equal(got, plain) {
		t.Errorf("%d bytes behind the picture", len(got)-len(plain))
	}
	for n := range plain { // cut anywhere, it ends and grows by nothing
		if got := WithoutPlace(plain[:n]); len(got) > n {
			t.Fatalf("%d bytes became %d", n, len(got))
		}
	}
}

// A reader skips bytes of fill before a marker (ITU-T T.81, B.1.1.2), so what
// stands behind them is not safe from it.
func TestExifDataBehindFillLosesItsPlace(t *testing.T) { // SEC-15
	data := tiff(binary.BigEndian)
	body := with(jpegOf(t), exifHead+string(data))
	filled := append([]byte{0xFF, 0xD8, 0xFF, 0xFF}, body[2:]...)
	if got := WithoutPlace(filled); bytes.Contains(got, data[100:]) {
		t.Error("the place is still in it")
	}
}

// Restarts, stuffed bytes and fill are part of a scan: the picture ends at its own
// end, so that what follows is left out and no pixel with it.
func TestAPictureEndsBehindItsRestartsAndFill(t *testing.T) { // SEC-15
	scan := []byte("\xFF\xD8\xFF\xDA\x00\x08\x01\x01\x00\x00\x3F\x00ab\xFF\xD0cd\xFF\x00ef\xFF\xD7gh\xFF\xFF\xD9")
	behind := with(jpegOf(t), exifHead+string(tiff(binary.LittleEndian)))
	if got := WithoutPlace(append(bytes.Clone(scan), behind...)); !bytes.Equal(got, scan) {
		t.Errorf("%d bytes, the picture has %d", len(got), len(scan))
	}
}

func TestAPNGAndAWebPLoseExifAndText(t *testing.T) { // SEC-15
	var out bytes.Buffer
	if err := png.Encode(&out, picture(t)); err != nil {
		t.Fatal(err)
	}
	plain := out.Bytes()
	chunk := func(kind, data string) []byte {
		b := append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), kind+data...)
		return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
	}
	at := len(pngMagic) + 25 // behind the header
	body := append(append(bytes.Clone(plain[:at]), append(chunk("eXIf", string(tiff(binary.BigEndian))), chunk("iTXt", "XML:com.adobe.xmp")...)...), plain[at:]...)
	if got := WithoutPlace(body); !bytes.Equal(got, plain) {
		t.Errorf("PNG: %d bytes, without a place %d", len(got), len(plain))
	}

	riff := func(chunks ...string) []byte {
		b := []byte("RIFF\x00\x00\x00\x00WEBP" + strings.Join(chunks, ""))
		binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
		return b
	}
	head := func(marks byte) string {
		return "VP8X\x0a\x00\x00\x00" + string([]byte{marks, 0, 0, 0, 23, 0, 0, 15, 0, 0})
	}
	picture := "VP8L\x03\x00\x00\x00abc\x00"
	if got := WithoutPlace(riff(head(0x1C), picture, "EXIF\x03\x00\x00\x00gps\x00", "XMP \x02\x00\x00\x00<>")); !bytes.Equal(got, riff(head(0x10), picture)) {
		t.Errorf("WebP: %q", got)
	}
	if got := WithoutPlace(riff(head(0x08), picture, "EXIF\x03\x00\x00\x00gps")); bytes.Contains(got, []byte("gps")) {
		t.Errorf("the last chunk without its pad byte stays: %q", got)
	}
	if got := WithoutPlace(riff(picture)); !bytes.Equal(got, riff(picture)) {
		t.Errorf("a plain WebP was changed: %q", got)
	}
}

// FuzzWithoutPlace: whatever comes in, nothing grows and a second time changes
// nothing.
func FuzzWithoutPlace(f *testing.F) {
	plain := jpegOf(f)
	f.Add(plain)
	f.Add(with(plain, exifHead+string(tiff(binary.LittleEndian))))
	f.Add([]byte(pngMagic + "\x00\x00\x00\x00IEND\xaeB`\x82"))
	f.Add([]byte("RIFF\x10\x00\x00\x00WEBPVP8X\x01\x00\x00\x00\x08\x00"))
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		clean := WithoutPlace(body)
		if !bytes.Equal(body, before) {
			t.Fatal("the argument was changed")
		}
		if len(clean) > len(body) {
			t.Fatalf("%d bytes became %d", len(body), len(clean))
		}
		if again := WithoutPlace(clean); !bytes.Equal(again, clean) {
			t.Fatalf("%x, then %x", clean, again)
		}
	})
}
