// Doorstep is the backend for lawful door-to-door visits in consumer-credit collection.
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

// version is set by the linker when a release is built.
var version = "dev"

type commands struct {
	Serve    serveCmd    `cmd:"" help:"Serve the API."`
	Demo     demoCmd     `cmd:"" help:"Play a day in a made-up town, then stay up."`
	Export   exportCmd   `cmd:"" help:"Export visit records from a running server."`
	Figures  figuresCmd  `cmd:"" help:"Count how people are treated."`
	Erase    eraseCmd    `cmd:"" help:"Erase a debtor; two administrators are needed."`
	Verify   verifyCmd   `cmd:"" help:"Check an export offline."`
	Plans    plansCmd    `cmd:"" help:"Repayment plans, computed offline."`
	Messages messagesCmd `cmd:"" help:"Texts to debtors and their replies, judged offline."`
	Route    routeCmd    `cmd:"" help:"Plan routes, or make matrices of travel times, in VROOM's JSON."`
	Roads    roadsCmd    `cmd:"" help:"Road graphs for travel times."`
	Map      mapCmd      `cmd:"" help:"The map under stops and territories."`
	Fsck     fsckCmd     `cmd:"" help:"Compare the views with the journal."`
	Admin    adminCmd    `cmd:"" help:"What an operator does on a stopped server."`

	Rebuild rebuildCmd `cmd:"" help:"Fill the views anew from the journal."`
	Backup  backupCmd  `cmd:"" help:"Back up the embedded store, also of a running server."`
	Restore restoreCmd `cmd:"" help:"Put a backup in place of a stopped server's data."`

	Version kong.VersionFlag `help:"Print the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], standard()); err != nil {
		fmt.Fprintln(os.Stderr, "doorstep:", err)
		os.Exit(status(err))
	}
}

// run runs the program without ending the process. Without arguments it lists the commands.
func run(ctx context.Context, args []string, s streams) error {
	var c commands
	parser, err := kong.New(&c, kong.Name("doorstep"),
		kong.Description("Lawful, route-optimised visits; offline sync; proofs of what happened."),
		kong.DefaultEnvars("DOORSTEP"), kong.Vars{"version": version}, kong.Writers(s.out, s.err),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 80}),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.BindTo(s.out, (*io.Writer)(nil)), kong.Bind(s))
	if err != nil {
		panic(err) // our own commands are not well-formed
	}
	if len(args) == 0 {
		k, err := kong.Trace(parser, nil)
		if err != nil {
			return err
		}
		return k.PrintUsage(false)
	}
	k, err := parser.Parse(args)
	var wrong *kong.ParseError
	switch {
	case errors.As(err, &wrong):
		return refuse(wrong.Context, wrong.Unwrap(), s)
	case err != nil:
		return err
	}
	return k.Run()
}

// status returns the exit status for an error: 1 unless the error has its own.
func status(err error) int {
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) {
		return coded.ExitCode()
	}
	return 1
}

// logger logs to standard error. The log never contains names, phones, addresses or tokens.
func logger(level slog.Level, format string) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, o))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, o))
}
