package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"lianban/internal/audit"
	"lianban/scheduler"
)

// config is every setting of the program. kong fills it from flags, from
// LIANBAN_… variables and from the file of --config (STK-76). Secrets come
// from files only (SEC-32): for them there is no flag with the value itself.
type config struct {
	Data string `help:"数据目录：数据库、密钥、派送影像和发件箱，缺省 lianban-data|Directory for database, keys, photos and outbox (default lianban-data)." placeholder:"DIR" env:"LIANBAN_DATA" type:"path"`
	DB   string `help:"数据库：文件路径、sqlite:… 或 postgres://…，缺省为数据目录中的 lianban.db|Database: a path, sqlite:… or postgres://… (default lianban.db in the data directory)." placeholder:"URL" env:"LIANBAN_DB"`
	Lang string `help:"终端语言：zh 或 en|Language of the terminal: zh or en." default:"zh" enum:"zh,en" env:"LIANBAN_LANG"`

	Origin    string `help:"证据日志的名称|Name of the evidence log in every checkpoint." default:"lianban.local/log" env:"LIANBAN_ORIGIN"`
	PublicURL string `help:"对外网址，末尾不带斜杠|Address under which people reach the pages, without a slash at the end." default:"http://127.0.0.1:8080" env:"LIANBAN_PUBLIC_URL"`

	Proxies []netip.Prefix `help:"可信反向代理的网段，其 X-Forwarded-For 才被采信|Networks of reverse proxies whose X-Forwarded-For is believed." placeholder:"CIDR" env:"LIANBAN_PROXIES"`

	MailDomain  string            `help:"答复邮箱所在的域名|Domain of the tokened answer addresses." default:"lianban.example" env:"LIANBAN_MAIL_DOMAIN"`
	MailFrom    string            `help:"通知的固定发件地址|Fixed sender address of all notices." default:"window@lianban.example" env:"LIANBAN_MAIL_FROM"`
	MailSep     string            `name:"mail-separator" help:"答复邮箱中的分隔符：+ 或 -|Separator in tokened addresses: + or -." default:"+" enum:"+,-" env:"LIANBAN_MAIL_SEPARATOR"`
	SMTPURLFile string            `name:"smtp-url-file" help:"存放邮件服务器地址（smtp://用户:密码@主机:587）的文件；不设则邮件写入数据目录的 outbox|File with the relay's address, smtp://user:password@host:587; without it mail goes to the outbox directory." placeholder:"FILE" env:"LIANBAN_SMTP_URL_FILE" type:"path"`
	MailDirect  map[string]string `help:"部门自己的邮件服务器：域名=smtp://主机:25，对方收下即为送达（B 类）|Recipients' own servers, domain=smtp://host:25: their 250 proves arrival (class B)." env:"LIANBAN_MAIL_DIRECT"`
	LMTP        string            `name:"lmtp" help:"接收来信的 LMTP 地址；不设则不收信|Address on which mail is handed over by LMTP; empty: no mail in." placeholder:"HOST:PORT" env:"LIANBAN_LMTP"`

	TwilioSID         string `name:"twilio-account-sid" help:"短信网关账号；不设则短信写入数据目录的 outbox|Account of the SMS gateway; without it texts go to the outbox directory." placeholder:"SID" env:"LIANBAN_TWILIO_ACCOUNT_SID"`
	TwilioTokenFile   string `name:"twilio-auth-token-file" help:"存放短信网关令牌的文件|File with the gateway's token." placeholder:"FILE" env:"LIANBAN_TWILIO_AUTH_TOKEN_FILE" type:"path"`
	TwilioFrom        string `name:"twilio-from" help:"短信发送号码|Sender number." env:"LIANBAN_TWILIO_FROM"`
	TwilioService     string `name:"twilio-messaging-service-sid" help:"短信服务编号，可代替号码|Messaging service, instead of a number." placeholder:"SID" env:"LIANBAN_TWILIO_MESSAGING_SERVICE_SID"`
	TwilioBaseURL     string `name:"twilio-base-url" help:"短信网关接口地址|Address of the gateway's API." default:"https://api.twilio.com" env:"LIANBAN_TWILIO_BASE_URL"`
	Kuaidi100Customer string `name:"kuaidi100-customer" help:"快递100 的客户编号；不设则不能交邮|Customer number at 快递100; without it nothing is posted." placeholder:"ID" env:"LIANBAN_KUAIDI100_CUSTOMER"`
	Kuaidi100KeyFile  string `name:"kuaidi100-key-file" help:"存放快递100授权码的文件，查询用|File with the key of 快递100, for queries." placeholder:"FILE" env:"LIANBAN_KUAIDI100_KEY_FILE" type:"path"`
	Kuaidi100SaltFile string `name:"kuaidi100-salt-file" help:"存放推送签名密钥（salt）的文件|File with the salt that pushes are signed with." placeholder:"FILE" env:"LIANBAN_KUAIDI100_SALT_FILE" type:"path"`
	Kuaidi100BaseURL  string `name:"kuaidi100-base-url" help:"快递100接口地址|Address of 快递100." default:"https://poll.kuaidi100.com" env:"LIANBAN_KUAIDI100_BASE_URL"`

	SMSSignature string `name:"sms-signature" help:"短信签名，不带括号|Signature of every SMS, without brackets." default:"永州政务" env:"LIANBAN_SMS_SIGNATURE"`
}

// file gives a file of the data directory.
func (c config) file(name string) string { return filepath.Join(c.Data, name) }

// database is the address of the database, by default a file in Data.
func (c config) database() string {
	if c.DB != "" {
		return c.DB
	}
	return c.file("lianban.db")
}

// secret reads a secret's file and refuses one that others may read (SEC-32).
func secret(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	// On Windows, which is for the demo only, these bits say nothing.
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return "", fmt.Errorf("%s: mode %04o lets others read it; run chmod 400 on it", path, mode)
	}
	b, err := os.ReadFile(path)
	return strings.TrimSpace(string(b)), err
}

// keyFile reads a key of our own, or makes it at the first start.
func keyFile(path string, make func() []byte) ([]byte, error) {
	text, err := secret(path)
	if err == nil {
		return []byte(text), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key := make()
	return key, os.WriteFile(path, append(key, '\n'), 0o400)
}

// logKey reads the key of the evidence log, or makes it at the first start.
// Its public half lies beside it, for whoever wants to check bundles.
func (c config) logKey() (*audit.Key, error) {
	key, err := audit.LoadKey(c.file("log.key"))
	if errors.Is(err, fs.ErrNotExist) {
		key, err = audit.CreateKey(c.file("log.key"), c.Origin)
	}
	if err != nil {
		return nil, err
	}
	return key, os.WriteFile(c.file(publicKey), []byte(key.Public+"\n"), 0o644)
}

// publicKey is the file name of the log's verifier key.
const publicKey = "log.pub"

// wall is the one place where the program asks the machine for the time.
func wall() time.Time { return time.Now() }

// started is when the program began, with its monotonic reading.
var started = wall()

// machine reads both clocks of the machine at once.
func machine() scheduler.Reading {
	now := wall()
	return scheduler.Reading{Wall: now, Mono: now.Sub(started)}
}
