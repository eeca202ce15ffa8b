// Command screenshots makes the README's images: it starts the demo with bin/dxctl and photographs its pages in
// headless Chromium. `make screenshots` runs it.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color/palette"
	"image/draw"
	"image/png"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/dxctl/dxctl/cmd/browser"
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
	err := run(ctx, "bin/dxctl", "docs/images")
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, program, directory string) (err error) {
	data, err := os.MkdirTemp("", "dxctl-screenshots-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(data)) }()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	address, stop, err := browser.StartDemo(ctx, program, data)
	if err != nil {
		return err
	}
	defer stop()
	if err := os.MkdirAll(directory, 0o750); err != nil {
		return err
	}
	page, closeBrowser := browser.New(ctx)
	defer closeBrowser()
	for _, s := range shots {
		scheme := "light"
		if s.dark {
			scheme = "dark"
		}
		err := chromedp.Do(page, chromedp.EmulateViewport(s.width, s.height), browser.ColorScheme(scheme),
			chromedp.Navigate(address+s.path),
			chromedp.Sleep(1500*time.Millisecond)) // charts draw themselves after the page is there
		if err != nil {
			return fmt.Errorf("opening %s: %w", s.path, err)
		}
		shot, err := chromedp.Run(page, chromedp.CaptureScreenshot())
		if err != nil {
			return fmt.Errorf("photographing %s: %w", s.path, err)
		}
		if err := save(filepath.Join(directory, s.name+".png"), shot); err != nil {
			return err
		}
	}
	return nil
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
