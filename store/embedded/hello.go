package embedded

import (
	"bytes"
	"io"
	"net/http"

	chproto "github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

// helloQuery is what the driver asks first. It decodes the answer at its own protocol revision, which the library does
// not speak. So this one query is answered here: framed as the driver wants it and saying that the revision is 0, after
// which the driver reads plain Native blocks, which is what the library writes.
const helloQuery = "SELECT displayName(), version(), revision(), timezone()"

// helloBlock returns the answer to helloQuery.
func helloBlock(version string) ([]byte, error) {
	block := proto.NewBlock()
	for _, c := range []struct{ name, kind string }{
		{"displayName()", "String"}, {"version()", "String"}, {"revision()", "UInt32"}, {"timezone()", "String"},
	} {
		if err := block.AddColumn(c.name, column.Type(c.kind)); err != nil {
			return nil, err
		}
	}
	if err := block.Append("dxctl", version, uint32(0), "UTC"); err != nil {
		return nil, err
	}
	var buffer chproto.Buffer
	if err := block.Encode(&buffer, clickhouse.ClientTCPProtocolVersion); err != nil {
		return nil, err
	}
	return buffer.Buf, nil
}

// answer makes a response with a body in memory.
func answer(req *http.Request, status int, body []byte) *http.Response {
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}
}
