package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
)

// demoCommand is the whole of Lianban on an invented city (DEC-8).
type demoCommand struct {
	Addr string `help:"网页地址|Address of the pages." default:"127.0.0.1:8080"`
	Walk bool   `help:"不开网页，在终端上演示一件事从受理到核验|Play the main job on the terminal instead of opening pages."`
}

// Run builds the city and serves it, or plays the main job in it.
func (c *demoCommand) Run(a *app) error {
	if err := a.demoData(); err != nil {
		return err
	}
	if c.Walk {
		return a.walk()
	}
	return a.demo(c.Addr)
}

// demoData chooses where the demonstration lives: --data, or a new directory
// that is named on the screen.
func (a *app) demoData() (err error) {
	if a.cfg.Data == "" {
		a.cfg.Data, err = os.MkdirTemp("", "lianban-demo-")
		return err
	}
	return os.MkdirAll(a.cfg.Data, 0o700)
}

// quiet drops what a demonstration logs: its pages and its report say it.
func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func (a *app) demo(addr string) error {
	return fmt.Errorf("not yet: %s", addr)
}

// close ends a world.
func (w *world) close(err error) error {
	return errors.Join(err, w.db.Close())
}

var _ = context.Background
