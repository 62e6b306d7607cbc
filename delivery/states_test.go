package delivery

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the delivery part of docs/states.md anew")

const (
	statesFile    = "../docs/states.md"
	statesHeading = "\n# Delivery\n" // begins what this package writes
)

func TestTheDocumentOfStatesIsTheTableInTheCode(t *testing.T) {
	file, err := os.ReadFile(statesFile)
	if err != nil {
		t.Fatal(err)
	}
	before, have, _ := strings.Cut(string(file), statesHeading)
	got := statesPage()
	if *update {
		if err := os.WriteFile(statesFile, []byte(before+statesHeading+got), 0o644); err != nil {
			t.Fatal(err)
		}
		have = got
	}
	if have != got {
		t.Error("docs/states.md differs from moves.go: run go test ./delivery -run States -update and read the difference")
	}
}

func statesPage() string {
	var out strings.Builder
	out.WriteString("\nWritten from `delivery/moves.go` by its test. People at desks move guarded rows;\nwhat couriers do is a set of events.\n")
	table(&out, "Result line", LineMoves)
	table(&out, "Transfer", TransferMoves)
	table(&out, "Bag", BagMoves)
	table(&out, "Loan", LoanMoves)
	table(&out, "Destruction", DestructionMoves)
	table(&out, "Damage", DamageMoves)
	table(&out, "Run", RunMoves)
	table(&out, "Electronic file", FileMoves)
	return out.String()
}

func table[S ~string](out *strings.Builder, title string, moves []Move[S]) {
	fmt.Fprintf(out, "\n## %s\n\n| rule | act | from | to |\n|---|---|---|---|\n", title)
	for _, m := range moves {
		from := "–"
		if len(m.From) > 0 {
			words := make([]string, len(m.From))
			for i, s := range m.From {
				words[i] = "`" + string(s) + "`"
			}
			from = strings.Join(words, ", ")
		}
		fmt.Fprintf(out, "| %s | %s | %s | `%s` |\n", m.Rule, m.Act, from, m.To)
	}
}
