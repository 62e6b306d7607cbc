package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
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
	`Run "lianban <command> --help" for more information on a command.`, "运行 lianban <命令> --help 查看某个命令的用法；全部设置见 lianban serve --help。",
)

// complaints are kong's sentences about a command line, in Chinese.
var complaints = []struct {
	pattern *regexp.Regexp
	zh      string
}{
	{regexp.MustCompile(`^unexpected argument (\S+?),? ?(did you mean .*)?$`), "没有“$1”这个命令或参数"},
	{regexp.MustCompile(`^unknown flag (\S+?),? ?(did you mean .*)?$`), "没有 $1 这个选项"},
	{regexp.MustCompile(`^expected one of (.*)$`), "请写明命令，可用的有 $1"},
	{regexp.MustCompile(`^expected "(.*)"$`), "缺少 $1"},
	{regexp.MustCompile(`^missing flags: (.*)$`), "缺少选项 $1"},
	{regexp.MustCompile(`^(.+) must be one of (.*) but got "(.*)"$`), "$1 不能是“$3”，可用的有 $2"},
	{regexp.MustCompile(`^(?:.*: )?stat (.*): no such file or directory$`), "找不到文件 $1"},
}

// chinese says a complaint of kong's in Chinese; one that it does not know stays
// as it is.
func chinese(err error) string {
	text := err.Error()
	for _, c := range complaints {
		if c.pattern.MatchString(text) {
			return c.pattern.ReplaceAllString(text, c.zh)
		}
	}
	return text
}

// general are the settings that the help of a command shows; nobody who reads
// about "verify" looks for the SMS gateway. "serve --help" lists them all.
var general = map[string][]string{
	"":       {"help", "lang"},
	"verify": {"help", "lang"},
	"bench":  {"help", "lang"},
	"demo":   {"help", "lang", "data"},
	"other":  {"help", "lang", "data", "db", "config"},
	"serve":  nil, // all
	"doctor": nil,
}

// shorten hides the settings that say nothing about the command asked for.
func shorten(ctx *kong.Context) {
	name := ""
	if node := ctx.Selected(); node != nil {
		name, _, _ = strings.Cut(node.Path(), " ")
	}
	shown, ok := general[name]
	if !ok {
		shown = general["other"]
	}
	for _, flag := range ctx.Model.Flags {
		flag.Hidden = flag.Hidden || shown != nil && !slices.Contains(shown, flag.Name)
	}
}

// printHelp is kong's help with its headings in the chosen language.
func printHelp(lang string) kong.HelpPrinter {
	return func(options kong.HelpOptions, ctx *kong.Context) error {
		shorten(ctx)
		out := ctx.Stdout
		var text bytes.Buffer
		ctx.Kong.Stdout = &text
		err := kong.DefaultHelpPrinter(options, ctx)
		ctx.Kong.Stdout = out
		if err != nil {
			return err
		}
		page := text.String()
		if lang == "en" {
			page = strings.Replace(page, "information on a command.", "information on a command, serve --help for every setting.", 1)
		} else {
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
