package server

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"path"
	"strings"
	"sync"

	"github.com/gofiber/fiber/v2"
)

// assets are the files that pages load, each under a name that holds a hash of its content, so that browsers may keep
// them indefinitely and still see every change.
type assets struct {
	byName map[string]*asset // "app.css"
	byPath map[string]*asset // "app.1f2e3d4c5b6a.css"
}

type asset struct {
	path    string
	kind    string
	content []byte
	zipped  func() []byte
}

func loadAssets(fsys fs.FS) (*assets, error) {
	all := &assets{byName: map[string]*asset{}, byPath: map[string]*asset{}}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		ext := path.Ext(name)
		a := &asset{
			path:    strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext,
			kind:    mime.TypeByExtension(ext),
			content: content,
		}
		switch ext { // the machine's mime table may say otherwise, and nosniff makes browsers believe it
		case ".js":
			a.kind = "text/javascript; charset=utf-8"
		case ".css":
			a.kind = "text/css; charset=utf-8"
		case ".svg":
			a.kind = "image/svg+xml"
		}
		a.zipped = sync.OnceValue(func() []byte { return zip(content) })
		all.byName[name], all.byPath[a.path] = a, a
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the assets: %w", err)
	}
	return all, nil
}

func zip(content []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(content); err != nil {
		return content
	}
	if err := w.Close(); err != nil {
		return content
	}
	return b.Bytes()
}

// url returns the address of an asset by its name, and "" when it is not there.
func (s *assets) url(name string) string {
	if a, ok := s.byName[name]; ok {
		return "/assets/" + a.path
	}
	return ""
}

// serve answers /assets/*.
func (s *assets) serve(c *fiber.Ctx) error {
	a, ok := s.byPath[c.Params("*")]
	if !ok {
		return fiber.NewError(fiber.StatusNotFound, "no such asset; reload the page that asked for it")
	}
	etag := `"` + a.path + `"`
	c.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
	c.Set(fiber.HeaderETag, etag)
	c.Set(fiber.HeaderVary, fiber.HeaderAcceptEncoding)
	if c.Get(fiber.HeaderIfNoneMatch) == etag {
		return c.SendStatus(fiber.StatusNotModified)
	}
	c.Set(fiber.HeaderContentType, a.kind)
	if strings.Contains(c.Get(fiber.HeaderAcceptEncoding), "gzip") {
		c.Set(fiber.HeaderContentEncoding, "gzip")
		return c.Send(a.zipped())
	}
	return c.Send(a.content)
}
