package delivery

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"lianban/internal/auth"
	"lianban/internal/fault"
)

// TableFile is a table for a department without a system of its own (DEL-951).
type TableFile struct {
	Name string
	Body []byte
}

// Limits of a table that comes in.
const (
	MaxTable     = 1 << 20 // bytes
	maxTableRows = 1000
)

const byteOrderMark = "\ufeff"

// writeTable makes CSV that spreadsheet programs open without harm: a byte order
// mark, so that they take it for UTF-8, line ends of RFC 4180, and no cell that
// they would run or round (DEL-951).
func writeTable(header []string, rows [][]string) ([]byte, error) {
	var out bytes.Buffer
	out.WriteString(byteOrderMark)
	w := csv.NewWriter(&out)
	w.UseCRLF = true
	if err := w.Write(header); err != nil {
		return nil, err
	}
	for _, row := range rows {
		safe := make([]string, len(row))
		for n, cell := range row {
			safe[n] = safeCell(cell)
		}
		if err := w.Write(safe); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return out.Bytes(), w.Error()
}

// safeCell puts an apostrophe before what a spreadsheet would take for a formula,
// or for a number of which it keeps 15 digits only.
func safeCell(cell string) string {
	if strings.HasPrefix(cell, "'") || risky(cell) {
		return "'" + cell
	}
	return cell
}

func risky(cell string) bool {
	if cell == "" {
		return false
	}
	long := len(cell) >= 12 && strings.Trim(cell, "0123456789") == ""
	return long || strings.ContainsRune("=+-@\t\r", rune(cell[0]))
}

// plainCell takes the apostrophe off again, and what spreadsheets leave around.
func plainCell(cell string) string {
	rest, marked := strings.CutPrefix(cell, "'")
	if marked && (risky(rest) || strings.HasPrefix(rest, "'")) {
		cell = rest
	}
	return strings.TrimSpace(cell)
}

// tableRow is one line of a table that came in, by the names of its header.
type tableRow struct {
	line  int
	cells map[string]string
	short bool // it has fewer cells than the header
}

// readTable reads a table whose header has all the names, in any order; others
// are left aside. Lines without any text are, too. Refusals: table_size,
// table_zip, table_encoding, table_header, table_line, table_rows, table_empty.
func readTable(body []byte, header []string) ([]tableRow, error) {
	if err := checkTable(body); err != nil {
		return nil, err
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(body, []byte(byteOrderMark))))
	r.FieldsPerRecord = -1
	names, err := r.Read()
	if err != nil {
		return nil, tableHeader(header)
	}
	for n := range names {
		names[n] = strings.TrimSpace(names[n])
	}
	if slices.ContainsFunc(header, func(name string) bool { return !slices.Contains(names, name) }) {
		return nil, tableHeader(header)
	}
	var rows []tableRow
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, tableLine(err)
		}
		line, _ := r.FieldPos(0)
		row := tableRow{line: line, cells: map[string]string{}, short: len(cells) < len(names)}
		for n, cell := range cells[:min(len(cells), len(names))] {
			row.cells[names[n]] = plainCell(cell)
		}
		if strings.Join(cells, "") != "" {
			rows = append(rows, row)
		}
		if len(rows) > maxTableRows {
			return nil, fault.Refuse(fault.Invalid, "table_rows",
				"一份表最多 %d 行，请分成几份导入", "a table has at most %d lines; import it in parts", maxTableRows)
		}
	}
	if len(rows) == 0 {
		return nil, fault.Refuse(fault.Invalid, "table_empty",
			"表里只有列名，没有内容，请填好后再导入", "there is nothing below the header; fill the table in and import it again")
	}
	return rows, nil
}

// checkTable refuses what is no table of text at all, and says what it is instead.
func checkTable(body []byte) error {
	switch {
	case len(body) == 0 || len(body) > MaxTable:
		return fault.Refuse(fault.Invalid, "table_size",
			"请选择文件；一份表不能超过 1 MB，更大的请分成几份", "choose a file; a table has at most 1 MB, import a larger one in parts")
	case bytes.HasPrefix(body, []byte("PK\x03\x04")):
		return fault.Refuse(fault.Invalid, "table_zip",
			"这是压缩包或 Excel 工作簿（.xlsx），请在表格软件中另存为“CSV UTF-8（逗号分隔）”后再导入；压缩包请先解压",
			"this is a zip archive or an Excel workbook; save it as “CSV UTF-8 (comma delimited)”, or unpack it, and import that")
	case !utf8.Valid(body) || bytes.IndexByte(body, 0) >= 0:
		return fault.Refuse(fault.Invalid, "table_encoding",
			"文件不是 UTF-8 编码（可能是 GBK/ANSI），请在表格软件中另存为“CSV UTF-8（逗号分隔）”后再导入",
			"the file is not UTF-8, but perhaps GBK; save it as “CSV UTF-8 (comma delimited)” and import that")
	}
	return nil
}

func tableHeader(header []string) *fault.Error {
	return fault.Refuse(fault.Invalid, "table_header",
		"第一行须有这些列名：%[1]s。请使用本页导出的表填写，不要改动列名", "the first line must name the columns %[1]s; fill in the table that this page exports and leave its header", strings.Join(header, "、"))
}

func tableLine(err error) error {
	bad := (*csv.ParseError)(nil)
	if !errors.As(err, &bad) {
		return err
	}
	return fault.Refuse(fault.Invalid, "table_line",
		"第 %d 行不是合格的 CSV，多半是引号不成对，请改正后再导入", "line %d is not CSV, probably for a quote without its pair; correct it and import again", bad.StartLine)
}

// TableAnswer says what became of one line.
type TableAnswer struct {
	Line    int          `json:"line"` // 0: of no line, but of what is missing
	What    string       `json:"what"`
	Status  TableStatus  `json:"status"`
	Code    string       `json:"code,omitempty"`
	Refusal *fault.Error `json:"-"`
}

// Text says why a line was rejected and what to do.
func (a TableAnswer) Text(lang string) string {
	if a.Refusal == nil {
		return ""
	}
	return a.Refusal.In(lang)
}

// TableStatus is the answer to a line.
type TableStatus string

// Answers to a line.
const (
	LineTaken     TableStatus = "accepted"
	LineDuplicate TableStatus = "duplicate" // nothing changes
	LineRejected  TableStatus = "rejected"
)

func rejected(line int, what string, why *fault.Error) TableAnswer {
	return TableAnswer{Line: line, What: what, Status: LineRejected, Code: why.Code, Refusal: why}
}

// errChecked rolls back what was only to be checked.
var errChecked = errors.New("checked only")

func shortLine() *fault.Error {
	return fault.Refuse(fault.Invalid, "table_cells",
		"这一行的列数比列名少，请补齐后再导入", "this line has fewer cells than the header; complete it and import again")
}

// KeepTable keeps a table that was looked at, so that the very same is imported
// afterwards; it gives the name to ask for it. Who keeps things may. Refusals:
// not_a_keeper, and those of a file that is no table.
func (d *Desk) KeepTable(by auth.Actor, body []byte) (string, error) {
	if !keepsThings(by) {
		return "", notAKeeper()
	}
	if err := checkTable(body); err != nil {
		return "", err
	}
	sum := sha256.Sum256(body)
	name := hex.EncodeToString(sum[:])
	return name, d.keep(name, body)
}

var keptForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

// KeptTable gives a table that was kept. Refusals: not_a_keeper, table_gone.
func (d *Desk) KeptTable(by auth.Actor, name string) ([]byte, error) {
	if !keepsThings(by) {
		return nil, notAKeeper()
	}
	gone := fault.Refuse(fault.Invalid, "table_gone",
		"没有找到刚才检查的表，请重新选择文件", "the table that was checked is not there; choose the file again")
	if !keptForm.MatchString(name) {
		return nil, gone
	}
	body, err := d.kept(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && checkTable(body) != nil {
		return nil, gone
	}
	return body, err
}
