package embedded

import (
	"fmt"
	"runtime"
	"sort"
	"strings"
	"unsafe"
)

// conn is one connection to the engine. It runs one statement at a time, on a thread of its own: the library keeps
// state of a running stream in the thread that began it, and goroutines move between threads.
type conn struct {
	lib    *library
	root   unsafe.Pointer // chdb_connection *
	handle unsafe.Pointer // chdb_connection
	key    string         // what it was prepared for; connections with the same key can stand in for each other
	tag    string         // log_comment of every statement on it, so that another connection can find and kill it
	work   chan func()
}

// dial opens a connection to the engine at path. The first one of a process starts the engine, with these arguments.
func dial(lib *library, path, tag string, start ...string) (*conn, error) {
	c := &conn{lib: lib, tag: tag, work: make(chan func())}
	go func() {
		// Not unlocked: the thread ends with the goroutine, and takes the library's thread-local state with it.
		runtime.LockOSThread()
		for f := range c.work {
			f()
		}
	}()
	args := append([]string{"clickhouse", "--path=" + path, "--log_comment=" + tag}, start...)
	c.do(func() { c.root = lib.connect(cStrings(args...)) })
	if c.root == nil {
		close(c.work)
		return nil, fmt.Errorf("the library gave no connection")
	}
	c.handle = *(*unsafe.Pointer)(c.root)
	return c, nil
}

// cStrings makes an argc and argv.
func cStrings(args ...string) (int32, **byte) {
	argv := make([]*byte, len(args)+1)
	for i, arg := range args {
		b := append([]byte(arg), 0)
		argv[i] = &b[0]
	}
	return int32(len(args)), &argv[0]
}

// start runs f on the connection's thread and returns a channel that is closed when it has ended.
func (c *conn) start(f func()) <-chan struct{} {
	done := make(chan struct{})
	c.work <- func() {
		defer close(done)
		f()
	}
	return done
}

// do runs f on the connection's thread and waits for its end.
func (c *conn) do(f func()) { <-c.start(f) }

// close ends the connection. The last one of a process shuts the engine down.
func (c *conn) close() {
	c.do(func() { c.lib.closeConn(c.root) })
	close(c.work)
}

// exec runs a statement whose result is of no interest. Not cancellable: for short statements.
func (c *conn) exec(sql string) error {
	var err error
	c.do(func() {
		_, err = c.run(sql, "TSV", newParams(nil))
	})
	return err
}

// run runs a statement to its end and returns a copy of its result. Call it on the connection's thread.
func (c *conn) run(sql, format string, p *params) ([]byte, error) {
	names, nameLens, values, valueLens, count := p.args()
	result := c.lib.query(
		c.handle,
		bytesPtr(sql),
		uintptr(len(sql)),
		bytesPtr(format),
		uintptr(len(format)),
		names,
		nameLens,
		values,
		valueLens,
		count,
	)
	runtime.KeepAlive(p)
	if result == nil {
		return nil, newException("the library gave no result")
	}
	defer c.lib.resultDestroy(result)
	if text := c.lib.resultError(result); text != "" {
		return nil, newException(text)
	}
	out := c.lib.bytes(result)
	return append([]byte(nil), out...), nil
}

// classify asks ClickHouse's parser how many statements sql holds and what the worst of them would do.
func (c *conn) classify(sql string) (statements, class uint32) {
	a := analysis{structSize: uint32(unsafe.Sizeof(analysis{})), class: classUnknown}
	c.do(func() {
		c.lib.classify(c.handle, bytesPtr(sql), uintptr(len(sql)), nil, 0, &a)
	})
	return a.statementCount, a.class
}

// bytes returns the memory of a result; it is valid until the result is destroyed.
func (lib *library) bytes(result unsafe.Pointer) []byte {
	n := lib.resultLength(result)
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(lib.resultBuffer(result)), int(n)) //nolint:gosec // the library says how long it is
}

// connKey names what a connection must be prepared for: the database and the settings of a request.
func connKey(database string, settings map[string]string) string {
	names := make([]string, 0, len(settings))
	for name := range settings {
		names = append(names, name)
	}
	sort.Strings(names)
	var b strings.Builder
	b.WriteString(database)
	for _, name := range names {
		b.WriteString("\x00" + name + "\x00" + settings[name])
	}
	return b.String()
}

// joinAlgorithm leaves out parallel_hash, which ClickHouse prefers by default. For each join of a statement it
// allocates hash tables of 256 buckets for every thread before it reads the first row. The views join many small
// tables: without it, statements over little data take half the CPU time. On two cores, the pages of an organization
// of 5,000 services and 100,000 events take no more CPU time either.
const joinAlgorithm = "direct,hash"

// prepare makes a new connection ready for its key: times without a zone are UTC wherever it runs, then the request's
// settings, then the database, then readonly, which forbids all of these.
func (c *conn) prepare(database string, settings map[string]string) error {
	err := c.exec("SET session_timezone = 'UTC', implicit_select = 0, join_algorithm = '" + joinAlgorithm + "'")
	if err != nil {
		return err
	}
	for name, value := range settings {
		if name == "readonly" {
			continue
		}
		if !isIdentifier(name) {
			return refuse(115, "UNKNOWN_SETTING", fmt.Sprintf("%q is not the name of a setting", name))
		}
		if err := c.exec("SET " + name + " = " + quote(value)); err != nil {
			return err
		}
	}
	if database != "" {
		if err := c.exec("USE `" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(database) + "`"); err != nil {
			return err
		}
	}
	if readonly := settings["readonly"]; readonly != "" && readonly != "0" {
		return c.exec("SET readonly = 1")
	}
	return nil
}

func isIdentifier(s string) bool {
	for i, r := range s {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// quote returns s as a ClickHouse string literal.
func quote(s string) string {
	return "'" + strings.NewReplacer("\\", "\\\\", "'", "\\'").Replace(s) + "'"
}
