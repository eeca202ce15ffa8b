// Package browser starts the demo and a headless Chromium to look at it: for the README's images and for the test that
// clicks through every page.
package browser

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

var served = regexp.MustCompile(`http://[0-9.:\[\]]+`)

// StartDemo starts `program demo` with the data directory on a free port and waits until it serves. stop ends it.
func StartDemo(ctx context.Context, program, data string) (address string, stop func(), err error) {
	cmd := exec.CommandContext( //nolint:gosec // our own binary
		ctx,
		program,
		"demo",
		"--addr",
		"127.0.0.1:0",
		"--data",
		data,
	)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, fmt.Errorf("starting %s: %w (make build)", program, err)
	}
	stop = func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait() // it exits with 130, which is what was asked for
	}
	lines := bufio.NewScanner(stderr)
	var said bytes.Buffer
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		if address = served.FindString(lines.Text()); address != "" {
			go func() {
				for lines.Scan() { // keep the pipe empty
				}
			}()
			return address, stop, nil
		}
	}
	return "", nil, errors.Join(fmt.Errorf("the demo ended before it served: %s", said.String()), cmd.Wait())
}

// New starts a Chromium: $DXCTL_CHROMIUM, or the one that is installed. It ends when the returned function is called.
func New(ctx context.Context) (context.Context, func()) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("hide-scrollbars", true))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	if path := os.Getenv("DXCTL_CHROMIUM"); path != "" {
		options = append(options, chromedp.ExecPath(path))
	}
	allocator, stopAllocator := chromedp.NewExecAllocator(ctx, options...)
	page, stopBrowser := chromedp.NewContext(allocator)
	return page, func() { stopBrowser(); stopAllocator() }
}

// ColorScheme makes pages believe that the user asked for a "light" or "dark" scheme and for no motion.
func ColorScheme(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(
			ctx,
			t,
			emulation.SetEmulatedMedia,
			emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}},
		)
		return err
	})
}
