package lianban_test

import (
	"go/ast"
	"go/token"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// table reads the Markdown tables of a document: the cells of every row by its
// first cell, without heading rows.
func table(t *testing.T, name string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(name)
	if os.IsNotExist(err) {
		t.Skipf("%s is not written yet", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{}
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		heading := i+1 < len(lines) && strings.HasPrefix(lines[i+1], "|--")
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|--") || heading {
			continue
		}
		var cells []string
		for cell := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
			cells = append(cells, strings.Trim(cell, " `"))
		}
		if rows[cells[0]] != nil {
			t.Errorf("%s has two rows for %s", name, cells[0])
		}
		rows[cells[0]] = cells
	}
	return rows
}

// refusals gives the kind of every code that the program refuses with.
func refusals(t *testing.T) map[string]string {
	t.Helper()
	kinds := map[string]string{}
	goFiles(t, false, func(name string, file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) < 2 || !named(call.Fun, "fault", "Refuse") {
				return true
			}
			code, ok := call.Args[1].(*ast.BasicLit)
			if !ok || code.Kind != token.STRING {
				t.Errorf("%s: the code of a refusal must be a literal", name)
				return true
			}
			text, _ := strconv.Unquote(code.Value)
			kind := ""
			if s, ok := call.Args[0].(*ast.SelectorExpr); ok {
				kind = s.Sel.Name
			}
			if old, ok := kinds[text]; ok && old != kind {
				t.Errorf("%s: %s is refused as %s and as %s", name, text, kind, old)
			}
			kinds[text] = kind
			return true
		})
	})
	return kinds
}

func named(e ast.Expr, x, sel string) bool {
	s, ok := e.(*ast.SelectorExpr)
	if !ok || s.Sel.Name != sel {
		return false
	}
	id, ok := s.X.(*ast.Ident)
	return ok && id.Name == x
}

// STY-42: every code stands in docs/errors.md with its kind, and no other. A
// row whose kind is a status is one of HTTP's own and must occur in api.
func TestErrorCodesAreDocumented(t *testing.T) {
	rows, kinds := table(t, "docs/errors.md"), refusals(t)
	for code, kind := range kinds {
		if row := rows[code]; row == nil {
			t.Errorf("%s is missing in docs/errors.md", code)
		} else if len(row) != 4 || row[1] != kind || row[2] == "" || row[3] == "" {
			t.Errorf("%s: want code, kind %s, meaning and what to do, have %v", code, kind, row)
		}
	}
	literals := stringLiterals(t, "api/")
	for code, row := range rows {
		status, err := strconv.Atoi(row[1])
		switch {
		case err == nil && !literals[code]:
			t.Errorf("docs/errors.md has %s (%d), which api never says", code, status)
		case err != nil && kinds[code] == "":
			t.Errorf("docs/errors.md has %s, which nothing refuses with", code)
		}
	}
}

func stringLiterals(t *testing.T, folder string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	goFiles(t, false, func(name string, file *ast.File) {
		if !strings.HasPrefix(name, folder) {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				text, _ := strconv.Unquote(lit.Value)
				found[text] = true
			}
			return true
		})
	})
	return found
}

var (
	tableTag    = regexp.MustCompile(`bun:"table:(\w+)`)
	renameTable = regexp.MustCompile(`(?i)ALTER TABLE (\w+) RENAME TO (\w+)`)
	createTable = regexp.MustCompile(`(?i)CREATE (?:TABLE|VIEW)(?: IF NOT EXISTS)? (\w+)`)
)

// STY-16: a table has one owner. docs/tables.md names it; the tags of the
// models and the migrations agree.
func TestTablesAreDocumentedWithTheirOwner(t *testing.T) {
	rows := table(t, "docs/tables.md")
	for name, owner := range taggedTables(t) {
		if row := rows[name]; row == nil {
			t.Errorf("%s (%s) is missing in docs/tables.md", name, owner)
		} else if len(row) != 4 || row[1] != owner || row[2] == "" || row[3] == "" {
			t.Errorf("%s: want table, owner %s, what it holds and how long it is kept, have %v", name, owner, row)
		}
	}
	made := map[string]bool{}
	for _, name := range append(files(t, ".sql"), "internal/db/migrate_sql.go") {
		for _, m := range createTable.FindAllStringSubmatch(read(t, name), -1) {
			made[m[1]] = true
		}
		for _, m := range renameTable.FindAllStringSubmatch(read(t, name), -1) {
			delete(made, m[1])
		}
	}
	for name := range made {
		if rows[name] == nil {
			t.Errorf("%s is made in a migration and missing in docs/tables.md", name)
		}
	}
	for name := range rows {
		if !made[name] {
			t.Errorf("docs/tables.md has %s, which no migration makes", name)
		}
	}
}

func taggedTables(t *testing.T) map[string]string {
	t.Helper()
	owner := map[string]string{}
	for _, name := range files(t, ".go") {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, m := range tableTag.FindAllStringSubmatch(read(t, name), -1) {
			folder := path.Dir(name)
			if old := owner[m[1]]; old != "" && old != folder {
				t.Errorf("%s and %s both use the table %s", folder, old, m[1])
			}
			owner[m[1]] = folder
		}
	}
	return owner
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var ruleNumber = regexp.MustCompile(`\b(INS|ICA|PRO|DL|OUT|DB|EV|SEC|DEL|OBS|BAK|TST|STK|STY|SIM|DEC|FAC)-\d+\b`)

// A newcomer can look up every rule that code or tests cite.
func TestCitedRulesAreListed(t *testing.T) {
	rows := table(t, "docs/rules.md")
	missing := map[string]string{}
	for _, name := range files(t, ".go", ".sql") {
		for _, number := range ruleNumber.FindAllString(read(t, name), -1) {
			if len(rows[number]) != 2 || rows[number][1] == "" {
				missing[number] = name
			}
		}
	}
	for _, number := range slices.Sorted(maps.Keys(missing)) {
		t.Errorf("%s, cited in %s, has no line in docs/rules.md", number, missing[number])
	}
}

var leafKind = regexp.MustCompile(`(?:[lL]eaf\((?:\w+, )*|Leaf\{+Type: )"([a-z_]+)"[,}]`)

// What the record of a visit shows is said in words, and not by the name of a leaf.
func TestEveryLeafOfACaseHasWords(t *testing.T) {
	elsewhere := []string{ // in streams that no visit shows
		"absence_added", "attempt_refused", "checklist_published", "matter_published", "recusal_added", "resource_added",
	}
	words, found := read(t, "api/web/i18n/zh.json"), 0
	for _, name := range files(t, ".go") {
		if path.Dir(name) != "inspection" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, m := range leafKind.FindAllStringSubmatch(read(t, name), -1) {
			found++
			if !slices.Contains(elsewhere, m[1]) && !strings.Contains(words, `"leaf.`+m[1]+`"`) {
				t.Errorf("%s: no words for the leaf %q", name, m[1])
			}
		}
	}
	if found < 80 {
		t.Errorf("only %d leaves were found", found)
	}
}
