package inspection

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/states.md anew")

const (
	statesFile = "../docs/states.md"
	otherHalf  = "\n# Delivery\n" // begins the part that the other half writes
)

func TestTheDocumentOfStatesIsTheTableInTheCode(t *testing.T) {
	file, err := os.ReadFile(statesFile)
	if err != nil {
		t.Fatal(err)
	}
	want, rest, _ := strings.Cut(string(file), otherHalf)
	got := statesPage()
	if *update {
		if err := os.WriteFile(statesFile, []byte(got+otherHalf+rest), 0o644); err != nil {
			t.Fatal(err)
		}
		want = got
	}
	if want != got {
		t.Error("docs/states.md differs from state.go: run go test ./inspection -run States -update and read the difference")
	}
}

func statesPage() string {
	var out strings.Builder
	out.WriteString("# States and moves\n\nWritten from `inspection/state.go` by its test. A move is an UPDATE with its\n" +
		"from-state in the WHERE; any other move is refused as `bad_move`. Doubt is not a\nstate: it is a row in `holds`, and while one is open nothing is deemed.\n")
	table(&out, "Visit", VisitMoves)
	table(&out, "Participant: consent", ConsentMoves)
	table(&out, "Participant: attendance", AttendanceMoves)
	table(&out, "Participant: opinion", OpinionMoves)
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
