package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"

	"lianban/internal/fault"
)

// The exit codes (DEC-10). verify has its own (EV-11), serve two more.
const (
	exitFailure  = 1  // a failure was found
	exitUsage    = 2  // wrong use
	exitWatchdog = 70 // no sweep has ended for too long (DL-7)
	exitCommit   = 74 // I/O error at commit (DB-9)
)

// exit is the error of a command that has said everything itself.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// misuse is an error of whoever typed the command.
type misuse struct{ zh, en string }

func (m misuse) Error() string { return m.en }

// app is what every command is given.
type app struct {
	console
	ctx  context.Context
	cfg  config
	lang string
}

// run executes one command line and gives the exit code.
func run(ctx context.Context, args []string, c console) (code int) {
	lang := language(args)
	if len(args) > 0 && args[0] == "help" { // as people type it
		args = append(args[1:len(args):len(args)], "--help")
	}
	var cli commands
	ended := false
	parser, err := kong.New(&cli,
		kong.Name("lianban"), kong.Description(pick("联办：联合勘验的约定、送达、视为同意与证据。|Lianban: joint inspections, from booking to evidence.", lang)),
		kong.Writers(c.out, c.err), kong.Exit(func(int) { ended = true }),
		kong.PostBuild(func(k *kong.Kong) error { return translate(k, lang) }), kong.Help(printHelp(lang)),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
	)
	if err != nil {
		fmt.Fprintln(c.err, err)
		return exitUsage
	}
	command, err := parser.Parse(args)
	if ended { // --help has been printed
		return 0
	}
	a := &app{console: c, ctx: ctx, cfg: cli.Settings, lang: lang}
	if err != nil {
		return a.complain(usage(err))
	}
	return a.complain(command.Run(a))
}

// usage is an error of the command line with where to read on.
func usage(err error) misuse {
	at := "lianban"
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context.Selected() != nil {
		at += " " + parse.Context.Selected().Path()
	}
	return misuse{
		fmt.Sprintf("命令有误：%s。用法见 %s --help", chinese(err), at),
		fmt.Sprintf("%v; see %s --help", err, at),
	}
}

// complain says what went wrong and gives the exit code for it.
func (a *app) complain(err error) int {
	var said exit
	var wrong misuse
	switch {
	case err == nil:
		return 0
	case errors.As(err, &said):
		return int(said)
	case errors.As(err, &wrong):
		fmt.Fprintln(a.err, a.text(wrong.zh, wrong.en))
		return exitUsage
	case a.ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(a.err, a.text("已中断", "interrupted"))
		return exitFailure
	}
	if refusal, ok := fault.From(err); ok {
		fmt.Fprintf(a.err, "%s [%s]\n", refusal.In(a.lang), refusal.Code)
	} else {
		fmt.Fprintln(a.err, err)
	}
	return exitFailure
}

func (a *app) text(zh, en string) string {
	if a.lang == "en" {
		return en
	}
	return zh
}

// say prints a line in the language of the terminal; both texts take the same
// arguments.
func (a *app) say(zh, en string, args ...any) {
	fmt.Fprintf(a.out, a.text(zh, en)+"\n", args...)
}

// hint prints to the error stream what to do next.
func (a *app) hint(zh, en string) { fmt.Fprintln(a.err, a.text(zh, en)) }

// pick takes one half of "Chinese|English".
func pick(both, lang string) string {
	zh, en, _ := strings.Cut(both, "|")
	if lang == "en" {
		return en
	}
	return zh
}
