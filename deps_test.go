package lianban_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

var update = flag.Bool("update", false, "write THIRD_PARTY.md anew from go.mod and the module cache")

func requirements(t *testing.T, name string) map[string]string {
	t.Helper()
	mod, err := modfile.ParseLax(name, []byte(read(t, name)), nil)
	if err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{}
	for _, r := range mod.Require {
		versions[r.Mod.Path] = r.Mod.Version
	}
	return versions
}

// STK-05: THIRD_PARTY.md lists every module in the version that is built, with
// the text of its licence.
func TestThirdPartyListsEveryModule(t *testing.T) {
	const name = "THIRD_PARTY.md"
	if *update {
		if err := os.WriteFile(name, []byte(thirdParty(t)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	listed := table(t, name)
	required := requirements(t, "go.mod")
	required[font] = fontVersion
	for module, version := range required {
		if row := listed[module]; len(row) != 3 || row[1] != version {
			t.Errorf("%s %s: %s has %v; run go test -run ThirdParty -update .", module, version, name, row)
		}
	}
	for module, row := range listed {
		if _, ok := required[module]; !ok {
			t.Errorf("%s lists %s %s, which go.mod does not", name, module, row[1])
		}
	}
}

// STK-33: libc must be the version that the SQLite module names.
func TestLibcIsTheOneSQLiteWasMadeWith(t *testing.T) {
	dir, err := moduleDir("modernc.org/sqlite")
	if err != nil {
		t.Fatal(err)
	}
	const libc = "modernc.org/libc"
	want := requirements(t, filepath.Join(dir, "go.mod"))[libc]
	if got := requirements(t, "go.mod")[libc]; got != want {
		t.Errorf("go.mod has %s %s, modernc.org/sqlite wants %s", libc, got, want)
	}
}

func moduleDir(module string) (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	return strings.TrimSpace(string(out)), err
}

// thirdParty makes the document. Modules with the same licence text share it.
func thirdParty(t *testing.T) string {
	t.Helper()
	var rows, texts strings.Builder
	numbers := map[string]int{}
	versions := requirements(t, "go.mod")
	versions[font] = fontVersion
	for _, module := range sortedKeys(versions) {
		text, err := licence(module)
		if err != nil {
			t.Fatalf("%s: %v", module, err)
		}
		if numbers[text] == 0 {
			numbers[text] = len(numbers) + 1
			fmt.Fprintf(&texts, "\n### %d\n\n```text\n%s\n```\n", numbers[text], text)
		}
		fmt.Fprintf(&rows, "| %s | %s | %s, text %d |\n", module, versions[module], licenceName(text), numbers[text])
	}
	return fmt.Sprintf(thirdPartyText, rows.String(), texts.String())
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

const thirdPartyText = `# Third-party software

What Lianban is built from, with versions and licences. Written by
` + "`go test -run ThirdParty -update .`" + ` and compared with go.mod by the same test.
The modules that only tests use (STK-05 in docs/rules.md) are listed too, but are
not part of the program; among them is the only one under the MPL, rapid.

| module | version | licence |
|---|---|---|
%s
## Licence texts
%s`

// The font in the program, from the folder of its licence (STK-70).
const (
	font        = "Noto Sans SC Regular"
	fontVersion = "2.004"
	fontLicence = "internal/paper/font/OFL.txt"
)

// licence gives the text that comes with a module, and the notice that the
// Apache licence wants passed on.
func licence(module string) (string, error) {
	if module == font {
		text, err := os.ReadFile(fontLicence)
		return strings.TrimSpace(string(text)), err
	}
	dir, err := moduleDir(module)
	if err != nil {
		return "", err
	}
	var text string
	for _, pattern := range []string{"LICEN[SC]E*", "COPYING*", "NOTICE*"} {
		found, _ := filepath.Glob(filepath.Join(dir, pattern))
		if len(found) == 0 {
			continue
		}
		part, err := os.ReadFile(found[0])
		if err != nil {
			return "", err
		}
		text += "\n\n" + strings.TrimSpace(strings.ReplaceAll(string(part), "\r\n", "\n"))
	}
	if text == "" {
		return "", errors.New("no licence file")
	}
	return strings.TrimSpace(text), nil
}

func licenceName(text string) string {
	has := func(s string) bool { return strings.Contains(strings.Join(strings.Fields(text), " "), s) }
	switch {
	case has("SIL Open Font License"):
		return "OFL-1.1"
	case has("Mozilla Public License"):
		return "MPL-2.0"
	case has("Apache License"):
		return "Apache-2.0"
	case has("Permission is hereby granted, free of charge"):
		return "MIT"
	case has("Neither the name"):
		return "BSD-3-Clause"
	case has("Redistribution and use in source and binary forms"):
		return "BSD-2-Clause"
	}
	return "see text"
}
