package api

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
)

// version gives the answer its ETag.
func (c *call) version(n int) { c.header.Set("ETag", tagOf(n)) }

func tagOf(version int) string { return `"v` + strconv.Itoa(version) + `"` }

// unchanged tags the answer, by its version or else by its content, and reports
// whether the client has it already.
func unchanged(h http.Header, r *http.Request, body []byte) bool {
	if h.Get("ETag") == "" {
		sum := sha256.Sum256(body)
		h.Set("ETag", `"`+hex.EncodeToString(sum[:8])+`"`)
	}
	return hasTag(r.Header.Get("If-None-Match"), h.Get("ETag"))
}

func hasTag(header, tag string) bool {
	for one := range strings.SplitSeq(header, ",") {
		one = strings.TrimPrefix(strings.TrimSpace(one), "W/") // RFC 9110 13.1.2: weak comparison
		if one == tag || one == "*" {
			return true
		}
	}
	return false
}

// ifMatch is the version that the caller saw. Missing is 428; anything but one
// strong tag of ours cannot match and is 412 (STK-41).
func ifMatch(header string) (int, error) {
	if header == "" || header == "*" {
		return 0, refusal{
			status: http.StatusPreconditionRequired, code: "precondition_missing",
			words: words{"请在 If-Match 中带上读取时得到的 ETag", "send the ETag you were given in If-Match"},
		}
	}
	n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(header, `"v`), `"`))
	if err != nil || tagOf(n) != header {
		return 0, stale()
	}
	return n, nil
}

func stale() error {
	return refusal{
		status: http.StatusPreconditionFailed, code: "precondition_failed",
		words: words{"内容已被他人修改，请重新读取后再改", "somebody else has changed it; read it again and repeat your change"},
	}
}
