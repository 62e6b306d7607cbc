package photo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	_ "image/jpeg" // what a phone's camera or a scanner makes
	_ "image/png"  // what a signature pad makes
	"io"

	"golang.org/x/image/webp" // what messengers and newer telephones make
)

// maxPixels is how large a picture may unfold (SEC-15, DEL-604).
const maxPixels = 40_000_000

// Header is what a picture says of itself, before anything is unfolded. Width and height are in pixels.
type Header struct {
	Media         string // "image/jpeg", "image/png" or "image/webp"
	Width, Height int
}

// Vast reports whether the picture would unfold to more than 40 megapixels.
func (h Header) Vast() bool { return h.Width*h.Height > maxPixels }

var errNoPicture = errors.New("no JPEG, PNG or WebP picture")

// Read gives the header of a JPEG, PNG or WebP picture, known by its content
// (SEC-15). Whatever else it is, an animation and a WebP cut short are errors.
func Read(body []byte) (Header, error) {
	c, format, err := image.DecodeConfig(bytes.NewReader(body))
	if err != nil {
		return Header{}, err
	}
	switch format {
	case "jpeg", "png":
		return Header{"image/" + format, c.Width, c.Height}, nil
	case "webp":
		frame, err := frameOf(body)
		return Header{"image/webp", max(c.Width, frame.Width), max(c.Height, frame.Height)}, err
	}
	return Header{}, errNoPicture // some library may have brought others
}

// frameOf reads the header of the one frame of a WebP. An extended file has a
// header before it, which may claim less than what the frame unfolds to.
func frameOf(body []byte) (image.Config, error) {
	if 8+int(binary.LittleEndian.Uint32(body[4:])) > len(body) {
		return image.Config{}, io.ErrUnexpectedEOF
	}
	for rest := body[12:]; len(rest) >= 8; {
		size := int(binary.LittleEndian.Uint32(rest[4:]))
		if 8+size > len(rest) {
			return image.Config{}, io.ErrUnexpectedEOF
		}
		if kind := string(rest[:4]); kind == "VP8 " || kind == "VP8L" {
			alone := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(4+8+size+size&1))
			return webp.DecodeConfig(io.MultiReader(bytes.NewReader(append(alone, "WEBP"...)), bytes.NewReader(rest)))
		}
		rest = rest[min(8+size+size&1, len(rest)):] // chunks begin at even places
	}
	return image.Config{}, errNoPicture // an animation has frames of another kind
}
