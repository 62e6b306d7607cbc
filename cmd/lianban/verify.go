package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"lianban/inspection"
	"lianban/internal/audit"
)

// verifyCommand checks an evidence bundle with no network, no database and no
// configuration (EV-11).
type verifyCommand struct {
	File       string   `arg:"" help:"证据包文件|The bundle." type:"path"`
	Key        string   `help:"日志公钥，或存放公钥的文件；不给则结论为 UNPINNED|The log's public key or a file with it; without it the verdict is UNPINNED." placeholder:"KEY"`
	Checkpoint []string `help:"手头较早的校验点文件，如邮件页脚|Files with older checkpoints, such as a mail's footer." placeholder:"FILE" type:"path"`
	Receipt    []string `help:"手头的答复回执文件|Files with receipts of replies." placeholder:"FILE" type:"path"`
}

// Run prints what was proved and ends with the verdict's exit code.
func (c *verifyCommand) Run(a *app) error {
	b, report, err := c.verify()
	if err != nil {
		fmt.Fprintln(a.err, a.text("无法读取：", "cannot be read: ")+err.Error())
		a.hint("证据包是从勘验页或收件箱页“下载证据包”得到的 .zip 文件，请核对文件名，或重新下载。", "a bundle is the .zip file that a visit's page or the inbox gives for download; check the name, or download it again")
		return exit(audit.ExitUnreadable)
	}
	a.verdict(b, report)
	if code := report.Result().Exit(); code != 0 {
		return exit(code)
	}
	return nil
}

func (c *verifyCommand) verify() (*audit.Bundle, *audit.Report, error) {
	f, err := os.Open(c.File)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	b, err := audit.OpenBundle(f, info.Size())
	if err != nil {
		return nil, nil, err
	}
	options, err := c.options()
	if err != nil {
		return nil, nil, err
	}
	report, err := b.Verify(options)
	if err != nil {
		return nil, nil, err
	}
	inspection.VerifyBundle(b, &report)
	return b, &report, nil
}

func (c *verifyCommand) options() (o audit.VerifyOptions, err error) {
	if c.Key != "" {
		key, err := keyText(c.Key)
		if err != nil {
			return o, err
		}
		o.Keys = []string{key}
	}
	if o.Checkpoints, err = readAll(c.Checkpoint); err != nil {
		return o, err
	}
	o.Receipts, err = readAll(c.Receipt)
	return o, err
}

// keyText takes a key as it is written, or the file that holds it.
func keyText(key string) (string, error) {
	content, err := os.ReadFile(key)
	if err == nil {
		return strings.TrimSpace(string(content)), nil
	}
	if strings.Count(key, "+") >= 2 {
		return key, nil
	}
	return "", err
}

func readAll(names []string) ([][]byte, error) {
	var all [][]byte
	var errs []error
	for _, name := range names {
		content, err := os.ReadFile(name)
		all, errs = append(all, content), append(errs, err)
	}
	return all, errors.Join(errs...)
}
