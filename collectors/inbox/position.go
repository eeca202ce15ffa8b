package inbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
)

const positionFile = "position.json"

// position is where the worker stands: everything before it is done.
type position struct {
	Segment uint64 `json:"segment"` // number of the segment's first record
	Offset  int64  `json:"offset"`  // in that segment
	Number  uint64 `json:"number"`  // of the next record
	Sum     uint32 `json:"sum"`     // CRC-32C of the others: one changed digit would pass over what is not applied
}

// errPosition says that the file of the position is there and cannot be trusted. Handing over again changes nothing, so
// the position is then the beginning.
var errPosition = errors.New("its checksum does not match")

func (p position) sum() uint32 {
	return crc32.Checksum(fmt.Appendf(nil, "%d %d %d", p.Segment, p.Offset, p.Number), castagnoli)
}

// readPosition returns the position; the beginning where there is none, and with errPosition where it is damaged.
func readPosition(dir string) (position, error) {
	doc, err := os.ReadFile(filepath.Join(dir, positionFile))
	if errors.Is(err, os.ErrNotExist) {
		return position{}, nil
	}
	if err != nil {
		return position{}, err
	}
	var p position
	if err := json.Unmarshal(doc, &p); err != nil {
		return position{}, fmt.Errorf("%w: %w", errPosition, err)
	}
	if p.Sum != p.sum() || p.Offset < 0 {
		return position{}, errPosition
	}
	return p, nil
}

// writePosition replaces the file of the position. It does not wait for the disk.
func writePosition(dir string, p position) error {
	p.Sum = p.sum()
	doc, err := json.Marshal(p)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, positionFile)
	if err := os.WriteFile(path+".new", doc, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
