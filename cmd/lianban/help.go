package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

// language finds the language before anything is parsed, since the help and
// the complaints are to be in it, too.
func language(args []string) string {
	lang := os.Getenv("LIANBAN_LANG")
	for i, arg := range args {
		if value, ok := strings.CutPrefix(arg, "--lang="); ok {
			lang = value
		} else if arg == "--lang" && i+1 < len(args) {
			lang = args[i+1]
		}
	}
	if lang == "en" {
		return "en"
	}
	return "zh"
}

// translate keeps one language of every help text.
func translate(k *kong.Kong, lang string) error {
	k.Model.HelpFlag.Help = pick("显示帮助|Show this help.", lang)
	return kong.Visit(k.Model, func(node kong.Visitable, next kong.Next) error {
		switch n := node.(type) {
		case *kong.Application:
		case *kong.Node:
			n.Help = pickHelp(n.Help, lang)
		case *kong.Flag:
			n.Help = pickHelp(n.Help, lang)
		case *kong.Value:
			n.Help = pickHelp(n.Help, lang)
		}
		return next(nil)
	})
}

func pickHelp(help, lang string) string {
	if !strings.Contains(help, "|") {
		return help
	}
	return pick(help, lang)
}

var chineseHelp = strings.NewReplacer(
	"Usage: ", "用法：", "Flags:", "选项：", "Commands:", "命令：", "Arguments:", "参数：", "<command>", "<命令>", "[flags]", "[选项]",
	`Run "lianban <command> --help" for more information on a command.`, "运行 lianban <命令> --help 查看某个命令的用法。",
)

// printHelp is kong's help with its headings in the chosen language.
func printHelp(lang string) kong.HelpPrinter {
	return func(options kong.HelpOptions, ctx *kong.Context) error {
		out := ctx.Stdout
		var text bytes.Buffer
		ctx.Kong.Stdout = &text
		err := kong.DefaultHelpPrinter(options, ctx)
		ctx.Kong.Stdout = out
		if err != nil {
			return err
		}
		page := text.String()
		if lang != "en" {
			page = chineseHelp.Replace(page)
		}
		_, err = fmt.Fprint(out, page)
		return err
	}
}

// fileFlag is the flag --config: it adds the settings of a JSON file, beneath
// flags and variables.
type fileFlag string

// BeforeResolve is called by kong when the flag is given.
func (f fileFlag) BeforeResolve(k *kong.Kong, ctx *kong.Context, trace *kong.Path) error {
	name := string(ctx.FlagValue(trace.Flag).(fileFlag))
	content, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var values map[string]any
	if err := json.Unmarshal(content, &values); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	ctx.AddResolver(settingsFile{name: name, values: values})
	return nil
}

// settingsFile gives flags their values from a file.
type settingsFile struct {
	name   string
	values map[string]any
}

// Resolve gives the value of one flag, if the file has it and no variable
// says otherwise.
func (s settingsFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return nil, nil
		}
	}
	return s.values[flag.Name], nil
}

// Validate refuses a key that is no flag: a misspelt setting would otherwise
// be ignored in silence.
func (s settingsFile) Validate(app *kong.Application) error {
	known := map[string]bool{}
	err := kong.Visit(app, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			known[flag.Name] = true
		}
		return next(nil)
	})
	for key := range s.values {
		if !known[key] {
			return fmt.Errorf("%s: unknown setting %q", s.name, key)
		}
	}
	return err
}
