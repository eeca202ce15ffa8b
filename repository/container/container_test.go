package container

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dxctl/dxctl/repository/tree"
)

func TestUser(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"the last USER", "FROM alpine\nUSER root\nUSER app\n", "app false Dockerfile:3"},
		{"root again", "FROM alpine\nUSER 1000\nUSER root:root\n", "root true Dockerfile:3"},
		{"zero", "FROM alpine\nUSER 0:0\n", "0 true Dockerfile:2"},
		{"number with group", "FROM alpine\nUSER 1001:0\n", "1001 false Dockerfile:2"},
		{"only an earlier stage has one", "FROM golang AS build\nUSER app\nFROM debian:12\n", "root true Dockerfile:3"},
		{"from a stage", "FROM alpine AS base\nUSER app\nFROM base\nRUN x\n", "app false Dockerfile:2"},
		{"official image", "FROM docker.io/library/node:22\n", "root true Dockerfile:1"},
		{"scratch", "FROM scratch\n", "root true Dockerfile:1"},
		{"distroless", "FROM gcr.io/distroless/static:nonroot\n", "65532 false Dockerfile:1"},
		{"distroless root", "FROM gcr.io/distroless/static-debian12\n", "root true Dockerfile:1"},
		{"distroless by digest", "FROM gcr.io/distroless/static@sha256:ab\n", "unknown: there is no USER, so the image gcr.io/distroless/static@sha256:ab decides, which is not read"},
		{"foreign image", "FROM acme/base:1\n", "unknown: there is no USER, so the image acme/base:1 decides, which is not read"},
		{"ARG with default", "FROM alpine\nARG UID=1000\nUSER $UID\n", "1000 false Dockerfile:3"},
		{"ENV from a stage", "FROM alpine AS a\nENV U=app\nFROM a\nUSER ${U}\n", "app false Dockerfile:4"},
		{"ARG of the whole file", "ARG UID=5\nFROM alpine\nARG UID\nUSER ${UID:-0}\n", "5 false Dockerfile:4"},
		{"ARG without default", "FROM alpine\nARG UID\nUSER $UID\n", "unknown: the user is $UID, and UID has no default"},
		{"windows", "FROM acme/base:1\nUSER ContainerAdministrator\n", "ContainerAdministrator true Dockerfile:2"},
		{"continued lines", "FROM alpine\nRUN a \\\n  # x\n  b\nUSER app", "app false Dockerfile:5"},
		{"heredoc", "FROM alpine\nRUN <<EOF\nUSER evil\nEOF\nUSER app", "app false Dockerfile:5"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d, err := Parse("Dockerfile", tc.text)
			if err != nil {
				t.Fatal(err)
			}
			u := d.User()
			got := fmt.Sprint(u.Value.Name, " ", u.Value.Root, " ", u.At)
			if !u.Known {
				got = u.String()
			}
			if got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}

func TestBaseImages(t *testing.T) {
	d, err := Parse("Dockerfile", `# syntax=docker/dockerfile:1
ARG VERSION=1.26 REGISTRY
ARG BASE=golang:${VERSION}
FROM --platform=$BUILDPLATFORM ${BASE} AS build
FROM $REGISTRY/base AS other
FROM localhost:5000/a/b
FROM node:latest@sha256:ab
FROM debian:${DEBIAN:-12}-slim
FROM scratch
FROM Build AS final
HEALTHCHECK --interval=5s CMD true
`)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range d.BaseImages() {
		got = append(got, fmt.Sprint(s.At.Line, " ", s.Image.Value.Name, " ", s.Image.Value.Tag, " ", s.Image.Value.Pin, s.Image.Reason))
	}
	want := []string{
		"4 golang 1.26 tag", "5   the build argument REGISTRY has no default", "6 localhost:5000/a/b  latest",
		"7 node latest digest", "8 debian 12-slim tag",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if h := d.HealthCheck(); !h.Value || h.At.Line != 11 || d.Final().Base != 0 {
		t.Errorf("%v %d", h, d.Final().Base)
	}
	for text, want := range map[string]bool{
		"FROM a\nHEALTHCHECK NONE": false, "FROM a AS x\nHEALTHCHECK CMD a\nFROM x\nHEALTHCHECK NONE": false,
		"FROM a AS x\nHEALTHCHECK CMD a\nFROM x": true, "FROM a AS x\nHEALTHCHECK CMD a\nFROM b": false,
	} {
		d, err := Parse("Dockerfile", text)
		if err != nil || d.HealthCheck().Value != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestIsPlaceholder has placeholders of public repositories and images that only look like some.
func TestIsPlaceholder(t *testing.T) {
	for text, want := range map[string]bool{
		"$IMAGE": true, "${IMAGE}": true, "{IMAGE}": true, "{$IMAGE}": true, "{{ image }}": true, "<image>": true, "$(IMAGE)": true,
		"%IMAGE%": true, "@IMAGE@": true, "REPLACE_ME": true, "IMAGE:latest": true, "acme/pay:$TAG": true, "acme/pay:TAG": true,
		"acme/pay:IMAGE_TAG": true, "acme/pay:__version__": true, "acme/pay@sha256:DIGEST": true, "replace-me": true,
		"acme/pay:changeme": true, "docker.io/[YOUR ALIAS]/perf:dev": true, "docker.io/YOUR_ALIAS/pay:dev": true,
		"your-registry/pay:1": true, "gcr.io/PROJECT_ID/pay": true, "ko://github.com/acme/pay": true, "Dockerfile": true,
		"placeholder": true, "": true, "acme/pay:[tag]": true, "a/b:c:d": true,

		"alpine": false, "alpine:3": false, "scratch": false, "localhost:5000/a/b": false, "127.0.0.1:5000/worker:1": false,
		"[::1]:5000/a:1": false, "quay.io/minio/minio:RELEASE.2022-11-17T23-20-09Z": false, "acme/pay:RELEASE": false,
		"acme/pay:1.2.3-SNAPSHOT": false, "gcr.io/google_containers/nginx": false, "a__b/c--d.e:v1_2": false,
		"mcr.microsoft.com/windows/servercore:ltsc2022": false, "acme/placeholder-service:1": false, "acme/yourself:1": false,
		"acme/tag:1": false, "acme/pay:main-PR": false,
		"node:22@sha256:53df588e04085fd41ae12de0c3fe4c72f7013bba32a20e7325357a1ac94ba865": false,
	} {
		if got := IsPlaceholder(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	d, err := Parse("Dockerfile", "ARG BASE=REPLACE_ME\nFROM ${BASE}\n")
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Final().Image.String(); got != `unknown: the image is the placeholder "REPLACE_ME"` {
		t.Error(got)
	}
	if user := d.User(); user.Known {
		t.Error("the user of a placeholder is known")
	}
}

func TestRead(t *testing.T) {
	files := fstest.MapFS{
		"Dockerfile":              {Data: []byte("\ufeffFROM alpine\r\nUSER app\r\n")},
		"api.Dockerfile":          {Data: []byte("FROM alpine")},
		"build/Dockerfile.debug":  {Data: []byte("FROM alpine")},
		"Containerfile":           {Data: []byte("FROM alpine")},
		"Dockerfile.dockerignore": {Data: []byte("x")},
		"dockerfile.go":           {Data: []byte("x")},
		"templates/Dockerfile.tt": {Data: []byte("x")},
		"vendor/x/Dockerfile":     {Data: []byte("FROM x")},
		"bad/Dockerfile":          {Data: []byte("RUN x")},
		"empty/Dockerfile":        {},
		"unfinished/Dockerfile":   {Data: []byte("FROM a\nRUN <<EOF\nx")},
		"binary/Dockerfile":       {Data: []byte("FROM a\x00")},
		"templated/Dockerfile":    {Data: []byte("FROM {{ .Base }} as {{ x }}\n")},
	}
	tr, err := tree.List(context.Background(), files, tree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	s := Read(tr)
	var got, bad []string
	for _, f := range s.Files {
		got = append(got, f.Path)
	}
	for _, p := range s.Unreadable {
		bad = append(bad, p.At.Path)
	}
	if fmt.Sprint(got) != "[Containerfile Dockerfile api.Dockerfile build/Dockerfile.debug]" ||
		fmt.Sprint(bad) != "[bad/Dockerfile binary/Dockerfile empty/Dockerfile templated/Dockerfile unfinished/Dockerfile]" {
		t.Errorf("%v, unreadable %v", got, s.Unreadable)
	}
	if s.Files[1].User().Value.Name != "app" {
		t.Error(s.Files[1].User())
	}
}

func TestExpandIsBounded(t *testing.T) {
	var text strings.Builder
	text.WriteString("ARG A0=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n")
	for i := range 60 {
		fmt.Fprintf(&text, "ARG A%d=$A%d$A%d\n", i+1, i, i)
	}
	d, err := Parse("Dockerfile", text.String()+"FROM $A60\n")
	if err != nil {
		t.Fatal(err)
	}
	if d.Final().Image.Known {
		t.Error("expanded")
	}
}

func FuzzReadDockerfile(f *testing.F) {
	for _, seed := range []string{
		"FROM alpine\nUSER app\n", "ARG A=$A\nFROM ${A:-x}\n", "FROM a AS b\nFROM b\nHEALTHCHECK NONE", "# escape=`\nFROM a\nRUN a `\nb",
		"FROM a\nRUN <<EOF\nx\nEOF\n", "FROM a\nONBUILD USER x\n", "FROM ${A#b}\n", "FROM a\nENV A=1 B=\"$A\"\nCOPY --from=a b c\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := Parse("f", text)
		if err == nil {
			d.User()
			d.HealthCheck()
			d.BaseImages()
		}
	})
}
