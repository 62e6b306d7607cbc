// Package photo reads what an uploaded picture is and how large it unfolds, from
// its header alone, and takes out of it what tells where it was made (SEC-15,
// INS-1006). It is pure.
package photo

import (
	"bytes"
	"encoding/binary"
)

// WithoutPlace gives a JPEG, PNG or WebP without the place it was made at: the GPS
// part of its Exif data and all XMP, which may repeat it. Time, orientation and
// every pixel stay. What cannot be read is left out rather than kept. A picture
// without a place, and what is none of the three, comes back as it is.
func WithoutPlace(body []byte) []byte {
	switch {
	case bytes.HasPrefix(body, []byte{0xFF, 0xD8}):
		return jpegWithoutPlace(body)
	case bytes.HasPrefix(body, []byte(pngMagic)):
		return pngWithoutPlace(body)
	case len(body) >= 12 && string(body[:4]) == "RIFF" && string(body[8:12]) == "WEBP":
		return webpWithoutPlace(body)
	}
	return body
}

const (
	pngMagic = "\x89PNG\r\n\x1a\n"
	exifHead = "Exif\x00\x00"
	xmpHead  = "http://ns.adobe.com/x" // xap/1.0/ and xmp/extension/
)

// jpegWithoutPlace goes through the segments up to the picture itself.
func jpegWithoutPlace(body []byte) []byte {
	out := append(make([]byte, 0, len(body)), body[:2]...)
	rest := body[2:]
	for len(rest) >= 4 && rest[0] == 0xFF {
		if rest[1] == 0xFF { // fill
			rest = rest[1:]
			continue
		}
		size := 2 + int(binary.BigEndian.Uint16(rest[2:]))
		if rest[1] == 0xDA || size < 4 || size > len(rest) { // the picture, or nothing that a reader would follow
			break
		}
		segment := rest[:size]
		rest = rest[size:]
		if segment[1] == 0xE1 {
			if segment = appWithoutPlace(segment); segment == nil {
				continue
			}
		}
		out = append(out, segment...)
	}
	return append(out, rest[:pictureEnd(rest)]...)
}

// pictureEnd is how far a picture goes from its first scan on. What phones append
// behind it is a second picture with a place of its own.
func pictureEnd(scan []byte) int {
	for i := 0; i+1 < len(scan); {
		switch mark := scan[i+1]; {
		case scan[i] != 0xFF || mark == 0xFF:
			i++
		case mark == 0xD9:
			return i + 2
		case mark == 0 || mark >= 0xD0 && mark <= 0xD7: // a byte of the picture; a restart
			i += 2
		case i+3 < len(scan):
			i += 2 + int(binary.BigEndian.Uint16(scan[i+2:]))
		default:
			return len(scan)
		}
	}
	return len(scan)
}

// appWithoutPlace gives an APP1 segment without its place, nil for one to leave out.
func appWithoutPlace(segment []byte) []byte {
	data := segment[4:]
	switch {
	case bytes.HasPrefix(data, []byte(xmpHead)):
		return nil
	case !bytes.HasPrefix(data, []byte(exifHead)):
		return segment
	}
	clean, ok := exifWithoutPlace(data[len(exifHead):])
	if !ok {
		return nil
	}
	return append(bytes.Clone(segment[:4+len(exifHead)]), clean...)
}

// exifWithoutPlace blanks what the GPS directory of Exif data holds, and leaves the
// directory empty (Exif 2.32, sections 4.6.2 and 4.6.6). Not ok: it cannot be read.
func exifWithoutPlace(tiff []byte) (clean []byte, ok bool) {
	t := exif{bytes: bytes.Clone(tiff)}
	switch {
	case bytes.HasPrefix(tiff, []byte("II*\x00")):
		t.order = binary.LittleEndian
	case bytes.HasPrefix(tiff, []byte("MM\x00*")):
		t.order = binary.BigEndian
	default:
		return nil, false
	}
	if len(tiff) < 8 {
		return nil, false
	}
	at := t.order.Uint32(t.bytes[4:])
	entries, ok := t.directory(at)
	if !ok {
		return nil, false
	}
	end := uint64(at) + 2 + uint64(len(entries))
	const gps = 0x8825
	for ; len(entries) > 0; entries = entries[12:] {
		if t.order.Uint16(entries) != gps {
			continue
		}
		if !t.blank(t.order.Uint32(entries[8:])) {
			return nil, false
		}
	}
	// A place that lies over what leads to it took that along.
	whole := bytes.Equal(t.bytes[:8], tiff[:8]) && bytes.Equal(t.bytes[at:end], tiff[at:end])
	return t.bytes, whole
}

// exif is TIFF data that is read and changed in place.
type exif struct {
	bytes []byte
	order binary.ByteOrder
}

// directory gives the entries, 12 bytes each, of the directory at an offset.
func (t exif) directory(at uint32) (entries []byte, ok bool) {
	if uint64(at)+2 > uint64(len(t.bytes)) {
		return nil, false
	}
	end := uint64(at) + 2 + 12*uint64(t.order.Uint16(t.bytes[at:]))
	if end > uint64(len(t.bytes)) {
		return nil, false
	}
	return t.bytes[at+2 : end], true
}

// sizes are the bytes of one value of a type, by its number.
var sizes = [...]uint64{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}

// blank overwrites the entries of a directory and what they point to, and leaves it
// without entries.
func (t exif) blank(at uint32) bool {
	entries, ok := t.directory(at)
	if !ok {
		return false
	}
	for rest := entries; len(rest) > 0; rest = rest[12:] {
		kind, n := t.order.Uint16(rest[2:]), uint64(t.order.Uint32(rest[4:]))
		if int(kind) >= len(sizes) {
			return false
		}
		if size := n * sizes[kind]; size > 4 { // the value stands elsewhere
			from := uint64(t.order.Uint32(rest[8:]))
			if from+size > uint64(len(t.bytes)) || from < 8 {
				return false
			}
			clear(t.bytes[from : from+size])
		}
	}
	clear(entries)
	t.order.PutUint16(t.bytes[at:], 0)
	return true
}

// pngWithoutPlace leaves out the chunks of Exif data and of text.
func pngWithoutPlace(body []byte) []byte {
	out := append(make([]byte, 0, len(body)), body[:len(pngMagic)]...)
	rest := body[len(pngMagic):]
	for len(rest) >= 12 {
		size := 12 + uint64(binary.BigEndian.Uint32(rest))
		if size > uint64(len(rest)) {
			break
		}
		switch string(rest[4:8]) {
		case "eXIf", "iTXt", "tEXt", "zTXt":
		default:
			out = append(out, rest[:size]...)
		}
		rest = rest[size:]
	}
	return append(out, rest...)
}

// webpWithoutPlace leaves out the chunks of Exif data and of XMP, and the marks
// that say that they are there (RFC 9649, section 2.7).
func webpWithoutPlace(body []byte) []byte {
	const exifMark, xmpMark = 0x08, 0x04
	out := append(make([]byte, 0, len(body)), body[:12]...)
	rest := body[12:]
	for len(rest) >= 8 {
		size := 8 + uint64(binary.LittleEndian.Uint32(rest[4:]))
		size = min(size+size%2, uint64(len(rest))) // some writers leave out the last pad byte
		switch kind := string(rest[:4]); kind {
		case "EXIF", "XMP ":
		default:
			out = append(out, rest[:size]...)
			if kind == "VP8X" && size > 8 {
				out[len(out)-int(size)+8] &^= exifMark | xmpMark
			}
		}
		rest = rest[size:]
	}
	out = append(out, rest...)
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	return out
}
