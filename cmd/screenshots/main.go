// Command screenshots makes the README's images: it starts the demo with bin/dxctl and photographs its pages in headless
// Chromium. `make screenshots` runs it.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color/palette"
	"image/draw"
	"image/png"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// maxBytes is how large an image of the README may be.
const maxBytes = 300_000

var shots = []struct {
	name, path    string
	width, height int64
	dark          bool
}{
	{name: "overview", path: "/", width: 1440, height: 1000},
	{name: "service-dark", path: "/services/default/payment-service", width: 1440, height: 1000, dark: true},
	{name: "time-to-first-deploy", path: "/time-to-first-deploy", width: 1440, height: 1000},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, "bin/dxctl", "docs/images"); err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, program, folder string) (err error) {
	data, err := os.MkdirTemp("", "dxctl-screenshots-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(data)) }()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	address, stop, err := startDemo(ctx, program, data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	browser, closeBrowser := newBrowser(ctx)
	defer closeBrowser()
	for _, s := range shots {
		scheme := "light"
		if s.dark {
			scheme = "dark"
		}
		err := chromedp.Do(browser, chromedp.EmulateViewport(s.width, s.height), colourScheme(scheme),
			chromedp.Navigate(address+s.path),
			chromedp.Sleep(1500*time.Millisecond)) // charts draw themselves after the page is there
		if err != nil {
			return fmt.Errorf("opening %s: %w", s.path, err)
		}
		shot, err := chromedp.Run(browser, chromedp.CaptureScreenshot())
		if err != nil {
			return fmt.Errorf("photographing %s: %w", s.path, err)
		}
		if err := save(filepath.Join(folder, s.name+".png"), shot); err != nil {
			return err
		}
	}
	return nil
}

// colourScheme makes pages believe that the user asked for a light or dark scheme and for no motion.
func colourScheme(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
		return err
	})
}

var served = regexp.MustCompile(`http://[0-9.:\[\]]+`)

// startDemo starts the demo on a free port and waits for its address.
func startDemo(ctx context.Context, program, data string) (address string, stop func() error, err error) {
	cmd := exec.CommandContext(ctx, program, "demo", "--addr", "127.0.0.1:0", "--data", data) //nolint:gosec // our own binary
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, fmt.Errorf("starting %s: %w (make build)", program, err)
	}
	stop = func() error {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait() // it exits with 130, which is what was asked for
		return nil
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

func newBrowser(ctx context.Context) (context.Context, func()) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("hide-scrollbars", true))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	if path := os.Getenv("DXCTL_CHROMIUM"); path != "" {
		options = append(options, chromedp.ExecPath(path))
	}
	allocator, stopAllocator := chromedp.NewExecAllocator(ctx, options...)
	browser, stopBrowser := chromedp.NewContext(allocator)
	return browser, func() { stopBrowser(); stopAllocator() }
}

// save writes a PNG below maxBytes: as it is, else with a palette.
func save(name string, shot []byte) error {
	img, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		return err
	}
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	var out bytes.Buffer
	if err := encoder.Encode(&out, img); err != nil {
		return err
	}
	if out.Len() > maxBytes {
		small := image.NewPaletted(img.Bounds(), palette.WebSafe)
		draw.FloydSteinberg.Draw(small, img.Bounds(), img, image.Point{})
		out.Reset()
		if err := encoder.Encode(&out, small); err != nil {
			return err
		}
	}
	if out.Len() > maxBytes {
		return fmt.Errorf("%s has %d bytes, and an image of the README may have %d", name, out.Len(), maxBytes)
	}
	fmt.Printf("%s  %d KB\n", name, out.Len()/1000)
	return os.WriteFile(name, out.Bytes(), 0o600)
}
