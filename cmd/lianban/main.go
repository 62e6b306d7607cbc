// Command lianban is the whole of Lianban: the service, the demonstration, the
// offline verifier and the tools of the operator (design section 6).
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	_ "time/tzdata" // days are counted in Asia/Shanghai on any machine (DL-20)
)

func main() {
	dropEmpty()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], console{in: os.Stdin, out: os.Stdout, err: os.Stderr})
	stop()
	os.Exit(code)
}

// dropEmpty takes a variable without a value for one that is not set, as in
// files that list every variable.
func dropEmpty() {
	for _, pair := range os.Environ() {
		if name, value, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "LIANBAN_") && value == "" {
			_ = os.Unsetenv(name)
		}
	}
}

// console is where a command reads and writes.
type console struct {
	in       io.Reader
	out, err io.Writer
}

// commands is the command line. Texts are "Chinese|English"; only the chosen
// half is shown.
type commands struct {
	Settings config   `embed:""`
	File     fileFlag `name:"config" help:"配置文件（JSON，键名与选项相同）|Settings file (JSON, keys as the flags)." placeholder:"FILE" env:"LIANBAN_CONFIG" type:"existingfile"`

	Demo    demoCommand    `cmd:"" help:"演示：虚构的永州市，打开浏览器即可试用|A city with invented people, to be tried in a browser."`
	Serve   serveCommand   `cmd:"" help:"运行服务|Run the service."`
	Migrate migrateCommand `cmd:"" help:"把数据库升级到本程序的版本|Bring the database up to date."`
	Import  importCommand  `cmd:"" help:"导入中心、部门、人员、事项或放假安排|Import centres, departments, people, matters or holidays."`
	Admin   adminCommand   `cmd:"" help:"新建账号|Make an account."`
	Verify  verifyCommand  `cmd:"" help:"离线核验证据包|Check an evidence bundle offline."`
	Audit   auditCommand   `cmd:"" help:"核验整个证据日志，并逐案与数据库比对|Check the whole evidence log, and the tables against it."`
	Rebuild rebuildCommand `cmd:"" help:"按事件记录重算每件邮件的状态|Make the state of every parcel anew from its events."`
	Backup  backupCommand  `cmd:"" help:"在线备份|Back up, also while the service runs."`
	Doctor  doctorCommand  `cmd:"" help:"自检：设置、密钥、数据库、证据、时钟|Check settings, keys, database, evidence and clock."`
	Outbox  outboxCommand  `cmd:"" help:"查看和处理发出的消息|Look at messages sent out, and deal with them."`
	Clock   clockCommand   `cmd:"" help:"确认系统时间|Confirm the time of the machine."`
	Plan    planCommand    `cmd:"" help:"排出快递员的派送顺序和到达时间|Put couriers' rounds in order, with times."`
	Bench   benchCommand   `cmd:"" help:"测量性能|Measure the speed of the main paths."`
}
