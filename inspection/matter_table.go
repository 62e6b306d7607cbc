package inspection

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"lianban/internal/fault"
)

// maxTable bounds a file of matters: the shipped list has 9 kB.
const maxTable = 8 << 20

// tableRow is one record of a CSV file with a header.
type tableRow struct {
	line  int // in the file, from 1; the first of a record that spans several
	cells map[string]string
}

// cell gives the trimmed text in a column, "" where the file lacks the column.
func (r tableRow) cell(column string) string { return r.cells[column] }

// ReadTable reads a CSV file with a header as ImportMatters does and calls each
// for every record, with its line in the file and its trimmed cells. It stops at
// the first error of each. Refusals: table_unreadable, table_columns,
// table_too_large.
func ReadTable(file []byte, required, optional []string, each func(line int, cell func(column string) string) error) error {
	rows, err := readTable(file, required, optional)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if err := each(r.line, r.cell); err != nil {
			return err
		}
	}
	return nil
}

// readTable reads a CSV file with a header in any order: UTF-8 with or without a
// mark, or GB18030 (STK-81). Refusals: table_unreadable, table_columns.
func readTable(file []byte, required, optional []string) ([]tableRow, error) {
	text, err := decodeChinese(file)
	if err != nil {
		return nil, err
	}
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1 // counted below, to say which line
	header, err := r.Read()
	if err != nil {
		return nil, unreadable(err)
	}
	for i := range header {
		header[i] = strings.TrimSpace(header[i])
	}
	if err := checkColumns(header, required, optional); err != nil {
		return nil, err
	}
	var rows []tableRow
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, unreadable(err)
		}
		line, _ := r.FieldPos(0)
		if len(record) != len(header) {
			return nil, fault.Refuse(fault.Invalid, "table_columns",
				"第 %d 行有 %d 列，表头有 %d 列；请补齐或者给含逗号的内容加引号",
				"line %d has %d columns, the header has %d; add what is missing or quote cells with commas", line, len(record), len(header))
		}
		rows = append(rows, rowOf(line, header, record))
	}
}

func rowOf(line int, header, record []string) tableRow {
	row := tableRow{line: line, cells: make(map[string]string, len(header))}
	for i, column := range header {
		row.cells[column] = strings.TrimSpace(record[i])
	}
	return row
}

// unreadable refuses a file that is not CSV, or an empty one.
func unreadable(err error) error {
	line := 1
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		line = parse.Line
	}
	return fault.Refuse(fault.Invalid, "table_unreadable",
		"第 %d 行无法读取：请用表格软件另存为 CSV（UTF-8 或 GB18030）后再导入",
		"line %d cannot be read: save the table as CSV (UTF-8 or GB18030) and import it again", line).Because(err)
}

func checkColumns(header, required, optional []string) error {
	for i, column := range header {
		known := slices.Contains(required, column) || slices.Contains(optional, column)
		if !known || slices.Contains(header[:i], column) {
			return fault.Refuse(fault.Invalid, "table_columns",
				"第 1 行的列名“%s”未知或重复；可用的列：%s", "line 1: column %q is unknown or doubled; there are %s",
				column, strings.Join(slices.Concat(required, optional), " "))
		}
	}
	for _, column := range required {
		if !slices.Contains(header, column) {
			return fault.Refuse(fault.Invalid, "table_columns",
				"第 1 行缺少列“%s”", "line 1 lacks the column %q", column)
		}
	}
	return nil
}

// decodeChinese gives the text of a file. What is valid UTF-8 is UTF-8; a file
// of GB18030 with Chinese in it practically never is.
func decodeChinese(file []byte) (string, error) {
	if len(file) > maxTable {
		return "", fault.Refuse(fault.Invalid, "table_too_large",
			"文件超过 %d MB，请分成几个文件导入", "the file has more than %d MB; split it", maxTable>>20)
	}
	file = bytes.TrimPrefix(file, []byte("\xef\xbb\xbf"))
	if utf8.Valid(file) {
		return string(file), nil
	}
	text, err := simplifiedchinese.GB18030.NewDecoder().Bytes(file)
	if err != nil || bytes.ContainsRune(text, utf8.RuneError) {
		return "", fault.Refuse(fault.Invalid, "table_unreadable",
			"文件编码既不是 UTF-8 也不是 GB18030，请另存为 CSV UTF-8 后再导入",
			"the file is neither UTF-8 nor GB18030; save it as CSV UTF-8 and import it again").Because(err)
	}
	return string(text), nil
}
