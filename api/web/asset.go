package web

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
)

// AssetsAt is where the style sheet and the script are served. The names carry
// a hash of the contents, so that browsers may keep them for good.
const AssetsAt = "/assets/"

type asset struct {
	body  []byte
	media string
}

var media = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// hashed gives the assets by hashed name, and the hashed name of each plain one.
var hashed = sync.OnceValues(func() (map[string]asset, map[string]string) {
	assets, names := map[string]asset{}, map[string]string{}
	entries, _ := fs.ReadDir(files, "assets") // embedded: it is there
	for _, e := range entries {
		body, _ := files.ReadFile("assets/" + e.Name())
		sum := sha256.Sum256(body)
		ending := path.Ext(e.Name())
		full := strings.TrimSuffix(e.Name(), ending) + "." + hex.EncodeToString(sum[:6]) + ending
		assets[full], names[e.Name()] = asset{body, media[ending]}, full
	}
	return assets, names
})

// assetPath is the address of an asset by its plain name.
func assetPath(name string) string {
	_, names := hashed()
	return AssetsAt + names[name]
}

// Assets serves the assets under their hashed names.
func Assets(w http.ResponseWriter, r *http.Request) {
	assets, _ := hashed()
	a, ok := assets[strings.TrimPrefix(r.URL.Path, AssetsAt)]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", a.media)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(a.body) // the reader may have gone
}
