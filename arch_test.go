package lianban_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// owners are what a package that owns tables may use besides its own map line:
// docs/decisions/001.
const owners = " internal/db internal/once internal/fault"

// mayImport is the layout of the house (STY-1, STY-2). A new package starts
// with a line here. Entries are patterns of path.Match.
var mayImport = map[string]string{
	"":                      "",
	"cmd/*":                 "* */* */*/*",
	"api":                   "inspection inspection/invite delivery notify scheduler scheduler/* api/web internal/audit internal/auth internal/office internal/fault internal/once internal/paper",
	"api/web":               "",
	"inspection":            "delivery notify inspection/invite scheduler/workday scheduler/slot scheduler/route internal/audit internal/auth internal/office internal/paper internal/photo" + owners,
	"inspection/invite":     "",
	"delivery":              "notify scheduler/workday scheduler/route internal/audit internal/auth internal/office internal/paper internal/photo" + owners,
	"notify":                "internal/audit" + owners,
	"scheduler":             "scheduler/workday" + owners,
	"scheduler/workday":     "internal/fault",
	"scheduler/slot":        "scheduler/workday",
	"scheduler/route":       "scheduler/workday scheduler/slot",
	"scheduler/route/bench": "scheduler/workday scheduler/slot scheduler/route",
	"internal/audit":        owners,
	"internal/auth":         "internal/audit internal/office" + owners,
	"internal/db":           "internal/fault",
	"internal/db/dbtest":    "internal/db",
	"internal/fault":        "",
	"internal/office":       "scheduler/workday internal/audit" + owners,
	"internal/once":         "internal/fault",
	"internal/paper":        "",
	"internal/photo":        "",

	"internal/paper/papertest": "",
}

// onlyIn are modules that a few packages alone may import.
var onlyIn = map[string]string{
	"github.com/emersion/go-ical": "inspection/invite", // STK-15: its guards live there
	"github.com/go-co-op/gocron":  "scheduler",         // STY-47: a tick and nothing more
	"modernc.org/sqlite":          "internal/db",       // STY-43: driver errors are looked at there
	"github.com/signintech/gopdf": "internal/paper",    // DEL-1105: it drops characters without a word
	"github.com/jackc/pgx":        "internal/db internal/db/dbtest",
}

// testOnly are the modules that never enter the program (STK-05).
var testOnly = []string{
	"pgregory.net/rapid", "github.com/google/go-cmp", "go.uber.org/goleak", "github.com/rogpeppe/go-internal",
	"github.com/getkin/kin-openapi", "github.com/anishathalye/porcupine", "github.com/chromedp/",
	"github.com/Shopify/toxiproxy", "github.com/makiuchi-d/gozxing", "github.com/jonboulle/clockwork",
}

// testHelp are our packages that tests alone import.
var testHelp = []string{"internal/db/dbtest", "internal/paper/papertest"}

type goPackage struct {
	ImportPath string
	Imports    []string // of the program, not of its tests
}

// name is the folder of p, "" for the root.
func (p goPackage) name() string { return house(p.ImportPath) }

// house turns an import path of ours into the folder's name.
func house(importPath string) string {
	return strings.TrimPrefix(strings.TrimPrefix(importPath, "lianban"), "/")
}

func ours(importPath string) bool {
	return importPath == "lianban" || strings.HasPrefix(importPath, "lianban/")
}

func packages(t *testing.T) (all []goPackage) {
	t.Helper()
	out, err := exec.Command("go", "list", "-e", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// matches reports whether name fits one of the patterns.
func matches(patterns, name string) bool {
	return slices.ContainsFunc(strings.Fields(patterns), func(p string) bool {
		ok, _ := path.Match(p, name)
		return ok
	})
}

// allowed gives the line of the map for a package.
func allowed(name string) (patterns string, ok bool) {
	if patterns, ok := mayImport[name]; ok {
		return patterns, true
	}
	for key, patterns := range mayImport {
		if strings.ContainsRune(key, '*') && matches(key, name) {
			return patterns, true
		}
	}
	return "", false
}

// STY-1, STY-2: arrows go one way, and a package without a line fails too.
func TestImportsFollowTheMap(t *testing.T) {
	for _, p := range packages(t) {
		patterns, ok := allowed(p.name())
		if !ok {
			t.Errorf("%s has no line in mayImport", p.name())
		}
		for _, imported := range p.Imports {
			if ours(imported) && !matches(patterns, house(imported)) {
				t.Errorf("%s imports %s", p.name(), house(imported))
			}
		}
	}
}

// STK-05, STK-15, STY-43, STY-47.
func TestModulesStayWhereTheyBelong(t *testing.T) {
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			for module, homes := range onlyIn {
				if strings.HasPrefix(imported, module) && !matches(homes, p.name()) {
					t.Errorf("%s imports %s, which is for %s only", p.name(), imported, homes)
				}
			}
			isTest := slices.ContainsFunc(testOnly, func(m string) bool { return strings.HasPrefix(imported, m) })
			if isTest && !slices.Contains(testHelp, p.name()) {
				t.Errorf("%s imports %s, which is for tests only", p.name(), imported)
			}
			if slices.Contains(testHelp, house(imported)) {
				t.Errorf("%s imports %s outside of a test", p.name(), imported)
			}
		}
	}
}

// goFiles calls visit with every Go file of the program, and with test files
// too if tests is set; name is relative to the root.
func goFiles(t *testing.T, tests bool, visit func(name string, file *ast.File)) {
	t.Helper()
	set := token.NewFileSet()
	for _, name := range files(t, ".go") {
		if !tests && (strings.HasSuffix(name, "_test.go") || slices.Contains(testHelp, path.Dir(name))) {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		visit(name, file)
	}
}

// files gives the files of the house with one of the endings.
func files(t *testing.T, endings ...string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !entry.IsDir() && slices.Contains(endings, filepath.Ext(name)) {
			names = append(names, filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// qualified calls visit with each X.Sel of a file whose X is a plain name.
func qualified(file *ast.File, visit func(x, sel string)) {
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			x, _ := s.X.(*ast.Ident)
			if x == nil {
				x = &ast.Ident{} // a longer expression
			}
			visit(x.Name, s.Sel.Name)
		}
		return true
	})
}

var sqlCall = regexp.MustCompile(`^(New(Select|Insert|Update|Delete|Merge|Values|Raw)|(Exec|Query|QueryRow|Prepare)Context)$`)

// STY-15: SQL stands in the *_sql.go files of the packages that own tables.
func TestSQLStaysAtHome(t *testing.T) {
	const homes = "inspection delivery notify scheduler internal/audit internal/auth internal/office internal/once"
	goFiles(t, false, func(name string, file *ast.File) {
		folder := path.Dir(name)
		if folder == "internal/db" || strings.HasSuffix(name, "_sql.go") && matches(homes, folder) {
			return
		}
		qualified(file, func(_, sel string) {
			if sqlCall.MatchString(sel) {
				t.Errorf("%s calls %s", name, sel)
			}
		})
	})
}

// STY-38: the clock is read in cmd; all others are given it.
func TestClockIsReadInCmdOnly(t *testing.T) {
	goFiles(t, false, func(name string, file *ast.File) {
		if strings.HasPrefix(name, "cmd/") {
			return
		}
		qualified(file, func(x, sel string) {
			if x == "time" && (sel == "Now" || sel == "Since" || sel == "Until") {
				t.Errorf("%s reads time.%s", name, sel)
			}
		})
	})
}

// A database that may lose its contents is for tests, the benchmark and the
// invented city of the demonstration.
func TestScratchDatabasesStayInTests(t *testing.T) {
	goFiles(t, false, func(name string, file *ast.File) {
		if strings.HasPrefix(name, "cmd/lianban/bench") || name == "cmd/lianban/demoworld.go" {
			return
		}
		qualified(file, func(x, sel string) {
			if x == "db" && sel == "OpenScratch" {
				t.Errorf("%s opens a scratch database", name)
			}
		})
	})
}
