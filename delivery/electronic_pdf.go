package delivery

import (
	"bytes"

	"lianban/internal/fault"
)

// MaxElectronic is how big an electronic result may be (SEC-15).
const MaxElectronic = 10 << 20

// activeParts are the names in a PDF of what acts by itself, opens other
// programs, carries other files or hides what it holds. A licence needs none.
var activeParts = []string{
	"/JavaScript", "/JS", "/Launch", "/EmbeddedFile", "/EmbeddedFiles", "/RichMedia", "/XFA", "/SubmitForm", "/ImportData", "/Encrypt", "/GoToR", "/GoToE",
}

// checkPDF takes a PDF by what it begins and ends with, whatever its name, and
// refuses active contents (SEC-15). What lies inside compressed objects is not
// read, so the file is also served in a way that no browser runs it. Refusals:
// electronic_size, electronic_type, electronic_active.
func checkPDF(body []byte) error {
	if len(body) == 0 || len(body) > MaxElectronic {
		return fault.Refuse(fault.Invalid, "electronic_size",
			"请选择一份 PDF 文件，不能为空，也不能超过 10 MB", "choose one PDF file of at most 10 MB that is not empty")
	}
	end := bytes.TrimRight(body[max(0, len(body)-1024):], "\x00\r\n\t ")
	if !bytes.HasPrefix(body, []byte("%PDF-1.")) && !bytes.HasPrefix(body, []byte("%PDF-2.")) || !bytes.HasSuffix(end, []byte("%%EOF")) {
		return fault.Refuse(fault.Invalid, "electronic_type",
			"这不是完整的 PDF 文件；请由出具部门导出 PDF 后再上传", "this is no whole PDF file; have the department export one and upload that")
	}
	for _, name := range activeParts {
		if namesPart(body, name) {
			return fault.Refuse(fault.Invalid, "electronic_active",
				"文件里有脚本、附件、加密或自动动作（%[1]s），不能发给申请人；请出具部门重新导出普通 PDF",
				"the file holds a script, an attachment, encryption or an action of its own (%[1]s) and is not passed on; have the department export a plain PDF", name)
		}
	}
	return nil
}

// namesPart reports whether a name stands in the file as a whole name: /JS, not
// the beginning of /JSON. Names may write letters as #4A, which is undone first.
func namesPart(body []byte, name string) bool {
	for rest := plainNames(body); ; {
		i := bytes.Index(rest, []byte(name))
		if i < 0 {
			return false
		}
		rest = rest[i+len(name):]
		if len(rest) == 0 || !nameSign(rest[0]) {
			return true
		}
	}
}

// nameSign reports whether a sign goes on a name (ISO 32000-1, 7.3.5).
func nameSign(b byte) bool {
	return b > ' ' && b < 0x7f && !bytes.ContainsRune([]byte("()<>[]{}/%"), rune(b))
}

// plainNames writes #xx signs out.
func plainNames(body []byte) []byte {
	if !bytes.ContainsRune(body, '#') {
		return body
	}
	out := make([]byte, 0, len(body))
	for i := 0; i < len(body); i++ {
		if body[i] == '#' && i+2 < len(body) {
			high, low := hexSign(body[i+1]), hexSign(body[i+2])
			if high >= 0 && low >= 0 {
				out = append(out, byte(high<<4|low))
				i += 2
				continue
			}
		}
		out = append(out, body[i])
	}
	return out
}

func hexSign(b byte) int {
	switch {
	case '0' <= b && b <= '9':
		return int(b - '0')
	case 'a' <= b && b <= 'f':
		return int(b-'a') + 10
	case 'A' <= b && b <= 'F':
		return int(b-'A') + 10
	}
	return -1
}
