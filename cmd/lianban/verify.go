package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"lianban/inspection"
	"lianban/internal/audit"
)

// verifyCommand checks an evidence bundle with no network, no database and no
// configuration (EV-11).
type verifyCommand struct {
	File       string   `arg:"" help:"证据包，或带签名的表格（.csv）|A bundle, or a signed table (.csv)." type:"path"`
	Key        string   `help:"日志公钥，或存放公钥的文件；不给则结论为 UNPINNED|The log's public key or a file with it; without it the verdict is UNPINNED." placeholder:"KEY"`
	Checkpoint []string `help:"手头较早的校验点文件，如邮件页脚|Files with older checkpoints, such as a mail's footer." placeholder:"FILE" type:"path"`
	Receipt    []string `help:"手头的答复回执文件|Files with receipts of replies." placeholder:"FILE" type:"path"`
}

// table verifies the detached signature of a table that was carried by hand, which
// lies beside it (DEL-951).
func (c *verifyCommand) table(a *app) error {
	body, err := os.ReadFile(c.File)
	if err != nil {
		return c.unreadable(a, err)
	}
	signature, err := os.ReadFile(c.File + ".sig")
	if err != nil {
		return c.unreadable(a, err)
	}
	if c.Key == "" {
		return c.unreadable(a, errors.New(a.text("核验表格须用 --key 给出日志公钥（log.pub）", "give the log's public key (log.pub) with --key to verify a table")))
	}
	key, err := keyText(c.Key)
	if err != nil {
		return c.unreadable(a, err)
	}
	name, err := audit.VerifyFile(body, signature, key)
	if err != nil {
		fmt.Fprintln(a.err, a.text("核验不通过：", "it does not verify: ")+err.Error())
		a.hint("请不要使用这份表格，向导出它的窗口重新索取。", "do not use this table; ask the window that exported it for another")
		return exit(audit.Fail.Exit())
	}
	a.say("核验通过：%s 由该公钥的系统导出，没有改动", "verified: %s was exported by the system of this key and not changed", name)
	return nil
}

func (c *verifyCommand) unreadable(a *app, err error) error {
	fmt.Fprintln(a.err, a.text("无法读取：", "cannot be read: ")+err.Error())
	a.hint("表格（.csv）和签名文件（.csv.sig）须放在同一目录，文件名不要改动。", "table (.csv) and signature (.csv.sig) lie in one folder under the names they came with")
	return exit(audit.ExitUnreadable)
}

// Run prints what was proved and ends with the verdict's exit code.
func (c *verifyCommand) Run(a *app) error {
	if strings.EqualFold(filepath.Ext(c.File), ".csv") {
		return c.table(a)
	}
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
