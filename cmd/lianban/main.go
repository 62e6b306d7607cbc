// Command lianban is the whole of Lianban: the service, the demonstration, the
// offline verifier and the tools of the operator (design section 6).
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // days are counted in Asia/Shanghai on any machine (DL-20)
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], console{out: os.Stdout, err: os.Stderr})
	stop()
	os.Exit(code)
}

// console is where a command writes.
type console struct{ out, err io.Writer }

// commands is the command line. Texts are "Chinese|English"; only the chosen
// half is shown.
type commands struct {
	Settings config   `embed:""`
	File     fileFlag `name:"config" help:"配置文件（JSON，键名与选项相同）|Settings file (JSON, keys as the flags)." placeholder:"FILE" env:"LIANBAN_CONFIG" type:"existingfile"`

	Demo   demoCommand   `cmd:"" help:"演示：虚构的永州市，打开浏览器即可试用|A city with invented people, to be tried in a browser."`
	Verify verifyCommand `cmd:"" help:"离线核验证据包|Check an evidence bundle offline."`
}
