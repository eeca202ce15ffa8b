package storetest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// memoryDir is a file system in memory that Linux has. On a disk, most of the time that a test spends on its database
// is the disk's, which has to confirm each table that is created.
const memoryDir, memoryNeeded = "/dev/shm", 4 << 30

// dirPrefix, the process id and a random number name a directory. A later run removes those of processes that are gone.
const dirPrefix = "dxctl-storetest-"

// TempDir is tb.TempDir in memory where there is enough of it: for data that many statements write. What must survive a
// full disk belongs into tb.TempDir.
func TempDir(tb testing.TB) string {
	tb.Helper()
	dir, err := makeDir()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			tb.Error(err)
		}
	})
	return dir
}

func makeDir() (string, error) {
	parent := parentDir()
	removeStale(parent)
	return os.MkdirTemp(parent, dirPrefix+strconv.Itoa(os.Getpid())+"-")
}

var parentDir = sync.OnceValue(func() string {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(memoryDir, &fs); err != nil || fs.Bavail*uint64(fs.Bsize) < memoryNeeded {
		return os.TempDir()
	}
	return memoryDir
})

// removeStale removes what killed runs have left.
func removeStale(parent string) {
	old, err := filepath.Glob(filepath.Join(parent, dirPrefix+"*"))
	if err != nil {
		return // no pattern of ours is malformed
	}
	for _, dir := range old {
		id, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), dirPrefix), "-")
		if pid, err := strconv.Atoi(id); err == nil && syscall.Kill(pid, 0) == syscall.ESRCH {
			_ = os.RemoveAll(dir) // another run may be removing it too
		}
	}
}
