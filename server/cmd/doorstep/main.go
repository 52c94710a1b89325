// Doorstep is the backend that collection agents' phones talk to.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set when a release is built.
var version = "dev"

type commands struct {
	Serve  serveCmd  `cmd:"" help:"Serve the API."`
	Demo   demoCmd   `cmd:"" help:"Load a small city, plan and publish a day, play six phones, export and verify; then stay up."`
	Export exportCmd `cmd:"" help:"Export visit records from a running server."`
	Verify verifyCmd `cmd:"" help:"Check an export offline, with nothing but the public key."`
	Route  routeCmd  `cmd:"" help:"Plan routes, or make matrices of travel times, in VROOM's JSON."`
	Roads  roadsCmd  `cmd:"" help:"Road graphs for travel times."`
	Fsck   fsckCmd   `cmd:"" help:"Compare the views with the journal, and the journal with itself."`

	Version kong.VersionFlag `help:"Print the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c commands
	k := kong.Parse(&c, kong.Name("doorstep"), kong.Description("Lawful, route-optimised visits; offline sync; proofs of what happened."),
		kong.DefaultEnvars("DOORSTEP"), kong.Vars{"version": version}, kong.BindTo(ctx, (*context.Context)(nil)), kong.BindTo(os.Stdout, (*io.Writer)(nil)))
	if err := k.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "doorstep:", err)
		status := 1
		var coded interface{ ExitCode() int }
		if errors.As(err, &coded) {
			status = coded.ExitCode()
		}
		os.Exit(status)
	}
}

// logger writes to standard error: it never holds names, phones, addresses or tokens.
func logger(level slog.Level, format string) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, o))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, o))
}
