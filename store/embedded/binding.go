package embedded

import (
	"fmt"
	"unsafe"

	"github.com/ebitengine/purego"
)

// library is libchdb's C interface. Handles are kept as unsafe.Pointer: they point to memory of the library, never of
// Go.
type library struct {
	path    string
	version string // libchdb's own version: "26.7.3"

	connect        func(argc int32, argv **byte) unsafe.Pointer
	closeConn      func(conn unsafe.Pointer)
	signalHandlers func(enabled int32)
	chdbVersion    func() string

	query         func(conn unsafe.Pointer, query *byte, queryLen uintptr, format *byte, formatLen uintptr, names **byte, nameLens *uintptr, values **byte, valueLens *uintptr, count uintptr) unsafe.Pointer
	streamQuery   func(conn unsafe.Pointer, query *byte, queryLen uintptr, format *byte, formatLen uintptr, names **byte, nameLens *uintptr, values **byte, valueLens *uintptr, count uintptr) unsafe.Pointer
	streamFetch   func(conn, stream unsafe.Pointer) unsafe.Pointer
	streamCancel  func(conn, stream unsafe.Pointer)
	classify      func(conn unsafe.Pointer, query *byte, queryLen uintptr, database *byte, databaseLen uintptr, out *analysis) int32
	resultBuffer  func(result unsafe.Pointer) unsafe.Pointer
	resultLength  func(result unsafe.Pointer) uintptr
	resultError   func(result unsafe.Pointer) string
	resultDestroy func(result unsafe.Pointer)
	insert        func(conn unsafe.Pointer, query *byte, queryLen uintptr, format *byte, formatLen uintptr, names **byte, nameLens *uintptr, values **byte, valueLens *uintptr, count uintptr) unsafe.Pointer
	insertAppend  func(stream unsafe.Pointer, data *byte, length uintptr) int32
	insertDone    func(stream unsafe.Pointer) unsafe.Pointer
	insertCancel  func(stream unsafe.Pointer)
	insertError   func(stream unsafe.Pointer) string
	insertDestroy func(stream unsafe.Pointer)
}

// analysis is chdb_query_analysis_v1: what a statement would do, by ClickHouse's own parser.
type analysis struct {
	structSize     uint32
	statementCount uint32
	_              uint32 // flags
	class          uint32
}

// The classes of statements that matter here (chdb_query_class).
const (
	classReadOnly = 0 // SELECT, SHOW, DESCRIBE, EXPLAIN, EXISTS, CHECK
	classMutating = 1 // INSERT, CREATE, ALTER, DROP …
	classUnknown  = 4 // does not parse
)

// oldestLibrary is the oldest version of @chdb/lib whose library has every function that load looks up; 26.5.x and
// 26.7.0 were tried and lack some.
const oldestLibrary = "26.7.3-stable.1"

// load opens the library at path and looks up every function that the adapter uses.
func load(path string) (*library, error) {
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, err
	}
	lib := &library{path: path}
	for name, fn := range map[string]any{
		"chdb_connect":                     &lib.connect,
		"chdb_close_conn":                  &lib.closeConn,
		"chdb_set_signal_handlers_enabled": &lib.signalHandlers,
		"chdb_version":                     &lib.chdbVersion,
		"chdb_query_with_params_n":         &lib.query,
		"chdb_stream_query_with_params_n":  &lib.streamQuery,
		"chdb_stream_fetch_result":         &lib.streamFetch,
		"chdb_stream_cancel_query":         &lib.streamCancel,
		"chdb_classify_query_n":            &lib.classify,
		"chdb_result_buffer":               &lib.resultBuffer,
		"chdb_result_length":               &lib.resultLength,
		"chdb_result_error":                &lib.resultError,
		"chdb_destroy_query_result":        &lib.resultDestroy,
		"chdb_stream_insert_with_params_n": &lib.insert,
		"chdb_stream_append":               &lib.insertAppend,
		"chdb_stream_done":                 &lib.insertDone,
		"chdb_stream_cancel_insert":        &lib.insertCancel,
		"chdb_stream_insert_error":         &lib.insertError,
		"chdb_destroy_insert_stream":       &lib.insertDestroy,
	} {
		symbol, err := purego.Dlsym(handle, name)
		if err != nil {
			return nil, fmt.Errorf("it is older than %s, the oldest version that is supported, or another library: it lacks "+
				"the function %s: %w", oldestLibrary, name, err)
		}
		purego.RegisterFunc(fn, symbol)
	}
	// Deadly signals belong to the Go runtime. Must precede the first connect.
	lib.signalHandlers(0)
	lib.version = lib.chdbVersion()
	return lib, nil
}

// bytesPtr returns a pointer to the first byte of s for a C function that also takes its length.
func bytesPtr(s string) *byte {
	if s == "" {
		return nil
	}
	return unsafe.StringData(s) //nolint:gosec // C code reads it for the time of the call
}

// params are query parameters in the shape that the library takes.
type params struct {
	names, values         []*byte
	nameLens, valueLens   []uintptr
	keepNames, keepValues []string
}

func newParams(byName map[string]string) *params {
	p := &params{}
	for name, value := range byName {
		if value == "" {
			value = "\x00" // a pointer to something; its length below is 0
			p.valueLens = append(p.valueLens, 0)
		} else {
			p.valueLens = append(p.valueLens, uintptr(len(value)))
		}
		p.names = append(p.names, bytesPtr(name))
		p.nameLens = append(p.nameLens, uintptr(len(name)))
		p.values = append(p.values, bytesPtr(value))
		p.keepNames = append(p.keepNames, name)
		p.keepValues = append(p.keepValues, value)
	}
	return p
}

// args returns the five arguments of the *_with_params_n functions.
func (p *params) args() (names **byte, nameLens *uintptr, values **byte, valueLens *uintptr, count uintptr) {
	if len(p.names) == 0 {
		return nil, nil, nil, nil, 0
	}
	return &p.names[0], &p.nameLens[0], &p.values[0], &p.valueLens[0], uintptr(len(p.names))
}
