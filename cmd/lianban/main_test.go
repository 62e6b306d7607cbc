package main

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"lianban": main, "victim": victim, "instance": instance, "stalled": stalled,
		"commit-failed": func() { commitFailed(slog.New(slog.NewTextHandler(os.Stdout, nil)), errors.New("input/output error")) },
	})
}

// The scripts of testdata/script run the program as people do: every command,
// every exit code, no network.
func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("LIANBAN_DATA", env.WorkDir+"/data")
			env.Setenv("ADDR", freeAddr(t))
			env.Setenv("METRICS", freeAddr(t))
			env.Setenv("LMTP", freeAddr(t))
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"exits": exits, "answers": answers, "spoil": spoil},
	})
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// exits runs a command and wants an exit code: exits 2 lianban foo.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var failed *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &failed) {
		got = failed.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// answers waits until an address answers with a status and, if given, a word:
// answers 200 http://127.0.0.1:1/readyz catch_up.
func answers(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	last := "no answer"
	for range 400 {
		status, body := fetch(args[1])
		if status == want && (len(args) < 3 || strings.Contains(body, args[2])) {
			return
		}
		last = strconv.Itoa(status) + " " + body
		<-ticker.C
	}
	ts.Fatalf("%s: %.500s", args[1], last)
}

func fetch(url string) (status int, body string) {
	answer, err := http.Get(url) //nolint:gosec,noctx // an address of this test
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err.Error()
	}
	return answer.StatusCode, string(text)
}

// spoil changes the byte in the middle of a file: spoil FILE.
func spoil(ts *testscript.TestScript, _ bool, args []string) {
	name := ts.MkAbs(args[0])
	content := []byte(ts.ReadFile(name))
	content[len(content)/2] ^= 1
	ts.Check(os.WriteFile(name, content, 0o600))
}
