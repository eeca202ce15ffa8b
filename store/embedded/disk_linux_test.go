package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dxctl/dxctl/store/embedded"
)

func init() { roles["full"] = fillDisk } //nolint:gochecknoinits // a role of the test binary that only Linux has

// fillDisk mounts a small disk of its own on a directory and fills it: full <directory> <before|after> the engine
// opens.
func fillDisk(args []string) error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keeping the mount to this process: %w", err)
	}
	if err := syscall.Mount("tmpfs", args[0], "tmpfs", 0, "size=48m"); err != nil {
		return fmt.Errorf("mounting a small disk: %w", err)
	}
	if args[1] == "before" {
		if err := fill(filepath.Join(args[0], "filler")); err != nil {
			return err
		}
		return openDirectory(args)
	}
	ctx := context.Background()
	e, err := embedded.Open(ctx, embedded.Options{Path: args[0], Program: "dxctl test"})
	if err != nil {
		return err
	}
	db, err := connectTo(e)
	if err != nil {
		return err
	}
	if err := db.Exec(ctx, "CREATE TABLE default.t (s String) ENGINE = MergeTree ORDER BY tuple()"); err != nil {
		return err
	}
	stored := uint64(0)
	for {
		err := db.Exec(ctx, "INSERT INTO default.t SELECT randomString(1000000) FROM numbers(4)")
		if err != nil {
			fmt.Println(strings.ReplaceAll(err.Error(), "\n", " "))
			break
		}
		stored += 4
	}
	var n uint64
	if err := db.QueryRow(ctx, "SELECT count() FROM default.t").Scan(&n); err != nil || n != stored {
		return fmt.Errorf("after the disk was full %d of %d rows are there: %w", n, stored, err)
	}
	fmt.Println("still reads")
	return e.Close()
}

// fill writes a file until the disk is full.
func fill(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	chunk := make([]byte, 64<<10)
	for err == nil {
		_, err = file.Write(chunk)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	return file.Close()
}

func TestFullDisk(t *testing.T) {
	for _, tc := range []struct {
		when string
		want []string
	}{
		{"before", []string{"*embedded.DiskFullError", "is full", "free some space"}},
		{"after", []string{"is full", "free some space", "still reads"}},
	} {
		t.Run(tc.when, func(t *testing.T) {
			cmd := roleCommand("full", t.TempDir(), tc.when)
			cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
			if os.Getuid() != 0 {
				cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
				cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
				cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
			}
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			for _, want := range tc.want {
				if !strings.Contains(string(out), want) {
					t.Errorf("%q is not in: %s", want, out)
				}
			}
		})
	}
}
