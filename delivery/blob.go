package delivery

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/photo"
)

// MaxProof is how many bytes a photo or signature may have (SEC-15, DEL-604).
const MaxProof = 8 << 20

// Blob is a photo or signature, kept as it came under the hash of its content
// (STK-79). An event names the blobs that belong to it (DEL-601).
type Blob struct {
	bun.BaseModel `bun:"table:blobs" json:"-"`

	SHA256 string    `bun:"sha256,pk" json:"sha256"`
	Media  string    `json:"media"`
	Size   int       `json:"size"` // bytes
	Width  int       `json:"width"`
	Height int       `json:"height"`
	PutAt  time.Time `json:"put_at"`
	PutBy  string    `json:"put_by"`
}

// PutBlob keeps a photo or signature under its SHA-256 in hexadecimal. The same
// bytes twice are one blob. It completes the proof of a delivery that was
// waiting for it (DEL-602). A courier, a window or a department may. Refusals: forbidden_act,
// blob_hash, blob_size, blob_type, blob_place.
func (d *Desk) PutBlob(ctx context.Context, by auth.Actor, sum string, body []byte) (Blob, error) {
	d = d.still()
	if !by.Is(auth.Courier) && !keepsThings(by) {
		return Blob{}, notACourier()
	}
	b, err := readBlob(sum, body)
	if err != nil {
		return Blob{}, err
	}
	b.PutAt, b.PutBy = d.now(), by.String()
	if err := d.keep(b.SHA256, body); err != nil { // before the row that names it
		return Blob{}, err
	}
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		if err := insertBlob(ctx, tx, &b); err != nil {
			return err
		}
		return d.proofCame(ctx, tx, by, b.SHA256)
	})
	return b, err
}

// PutPhoto is PutBlob of a picture that a form brought: the place it was made at is
// taken out, then it gets its hash (DEL-604).
func (d *Desk) PutPhoto(ctx context.Context, by auth.Actor, body []byte) (Blob, error) {
	body = photo.WithoutPlace(body)
	sum := sha256.Sum256(body)
	return d.PutBlob(ctx, by, hex.EncodeToString(sum[:]), body)
}

// readBlob checks the hash, then size, kind and dimensions from the header
// alone, so that an image bomb never unfolds.
func readBlob(sum string, body []byte) (Blob, error) {
	b := Blob{SHA256: sum, Size: len(body)}
	if b.Size == 0 || b.Size > MaxProof {
		return b, fault.Refuse(fault.Invalid, "blob_size",
			"照片不能为空，也不能超过 8 MB；请缩小后重新上传", "a photo has between 1 byte and 8 MB; make it smaller and upload it again")
	}
	if real := sha256.Sum256(body); sum != hex.EncodeToString(real[:]) {
		return b, fault.Refuse(fault.Invalid, "blob_hash",
			"上传内容与校验值不一致，请重新上传；手机上的记录不会丢失", "what arrived does not match its hash; upload it again, the record stays on the phone")
	}
	header, err := photo.Read(body)
	if err != nil {
		return b, fault.Refuse(fault.Invalid, "blob_type",
			"这不是 JPEG、PNG 或 WebP 图片，或者文件不完整，请重新拍照或签名", "this is no JPEG, PNG or WebP image, or only a part of one; take the photo or signature again")
	}
	if header.Vast() {
		return b, fault.Refuse(fault.Invalid, "blob_size",
			"图片尺寸过大，请降低分辨率后重新上传", "the image has too many pixels; lower its resolution and upload it again")
	}
	if !bytes.Equal(body, photo.WithoutPlace(body)) { // the pages take it out before they hash (DEL-604)
		return b, fault.Refuse(fault.Invalid, "blob_place",
			"照片带有拍摄位置，请去掉后重新计算校验值再上传", "the photo tells where it was made; take that out, hash it again and upload it")
	}
	b.Media, b.Width, b.Height = header.Media, header.Width, header.Height
	return b, nil
}

// place is where a blob lies below Files.
func place(sum string) string { return path.Join(sum[:2], sum[2:4], sum) }

// keep writes the bytes under another name, syncs them and gives them their
// own: whoever finds the name finds the whole.
func (d *Desk) keep(sum string, body []byte) error {
	if err := os.MkdirAll(d.Files, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(d.Files)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	name := place(sum)
	if _, err := root.Stat(name); err == nil {
		return nil
	}
	if err := root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	draft := name + "." + newID()
	if err := writeSynced(root, draft, body); err != nil {
		return err
	}
	if err := root.Rename(draft, name); err != nil {
		return err
	}
	return syncDir(root, path.Dir(name))
}

func writeSynced(root *os.Root, name string, body []byte) error {
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncDir(root *os.Root, name string) error {
	dir, err := root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// OpenBlob gives a photo or signature of a parcel to its centre's window, to a
// supervisor or an auditor. Refusal: not_found.
func (d *Desk) OpenBlob(ctx context.Context, by auth.Actor, parcelID, sum string) (b Blob, body []byte, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) (err error) {
		p, err := findParcel(ctx, q, parcelID)
		if err != nil {
			return err
		}
		if !mayReadParcel(by, p) || by.Is(auth.Courier) {
			return notFound()
		}
		if err := namesBlob(ctx, q, p.ID, sum); err != nil {
			return err
		}
		b, err = findBlob(ctx, q, sum)
		return err
	})
	if err != nil {
		return b, nil, err
	}
	body, err = d.kept(sum)
	return b, body, err
}

// readKept gives a blob to somebody who was found to be allowed it. Refusal:
// not_found.
func (d *Desk) readKept(ctx context.Context, sum string) (b Blob, body []byte, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		b, err = findBlob(ctx, q, sum)
		return err
	})
	if err != nil {
		return b, nil, err
	}
	body, err = d.kept(sum)
	return b, body, err
}

// kept reads the bytes of a blob.
func (d *Desk) kept(sum string) ([]byte, error) {
	root, err := os.OpenRoot(d.Files)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	return fs.ReadFile(root.FS(), place(sum))
}
