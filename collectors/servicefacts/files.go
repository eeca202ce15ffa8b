package servicefacts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"runtime/debug"
	"slices"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository"
	"github.com/dxctl/dxctl/repository/named"
	"github.com/dxctl/dxctl/repository/owners"
	"github.com/dxctl/dxctl/repository/remote"
)

// Readers identifies the program that reads the files: another version may see more in the same ones.
var Readers = func() string {
	hash := sha256.New()
	write := func(text string) { _, _ = hash.Write([]byte(text + "\n")) } // a hash never fails
	for _, d := range named.Definitions() {
		write(d.Name)
	}
	if build, ok := debug.ReadBuildInfo(); ok {
		write(build.Main.Version)
		for _, s := range build.Settings {
			if s.Key == "vcs.revision" {
				write(s.Value)
			}
		}
	}
	return hex.EncodeToString(hash.Sum(nil))[:16]
}()

// Files is what is known of the files whose contents decide facts. It is part of a checkpoint.
type Files struct {
	// Digest is of everything that the facts depend on; see [remote.Reading.Digest].
	Digest string   `json:"digest,omitempty"`
	Opened []string `json:"opened,omitempty"` // paths of the files that were read
}

// Read reads the facts of a new list of files, and returns them by the entity that they are about; nil: nothing that
// they depend on has changed. name gives the facts of a directory their names, and may add what comes from elsewhere;
// nil: [named.Of].
func (s *Files) Read(
	ctx context.Context,
	l remote.Listing,
	host owners.Dialect,
	subjects []Subject,
	fetch remote.Fetch,
	name func(*repository.Facts) []event.Fact,
) (map[string][]event.Fact, error) {
	dirs := map[string]string{} // by entity
	for _, subject := range subjects {
		dirs[subject.Entity] = subject.Dir(l.HasDir)
	}
	wanted := slices.Compact(slices.Sorted(maps.Values(dirs)))
	reading, err := remote.Open(ctx, l, repository.Options{Host: host}, wanted...)
	if err != nil {
		return nil, err
	}
	if reading.Digest(s.Opened) == s.Digest {
		return nil, nil
	}
	read, err := reading.Read(ctx, fetch)
	if err != nil {
		return nil, err
	}
	opened := reading.Opened()
	*s = Files{Digest: reading.Digest(opened), Opened: opened}
	facts := make(map[string][]event.Fact, len(dirs))
	for entity, dir := range dirs {
		if name == nil {
			facts[entity] = named.Of(read[dir], named.Options{})
			continue
		}
		facts[entity] = name(read[dir])
	}
	return facts, nil
}

// Unread returns the facts of files that cannot be listed.
func Unread(reason string) []event.Fact {
	definitions := named.Definitions()
	facts := make([]event.Fact, len(definitions))
	for i, d := range definitions {
		facts[i] = event.Fact{Name: d.Name, Type: d.Type, Error: reason}
	}
	return facts
}
