package backstage

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/event"
)

// maxDocument bounds what is kept of one entity. Without the definitions of APIs, entities are a few kilobytes.
const maxDocument = 1 << 20

// envelope is what an entity is known by.
type envelope struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
		ETag      string `json:"etag"`
	} `json:"metadata"`
}

// refOf is the ref of an entity that cannot be read as a whole, or its beginning where it has none.
func refOf(raw json.RawMessage) string {
	var e envelope
	if json.Unmarshal(raw, &e) == nil && e.Kind != "" && e.Metadata.Name != "" {
		if ref, err := identifier.ParseRef(e.Metadata.Name, e.Kind, e.Metadata.Namespace); err == nil {
			return ref.String()
		}
	}
	return glimpse(raw)
}

// descriptor makes an event of an entity. It fails when the entity has no name to know it by, or is no object at all.
func (c *Collector) descriptor(raw json.RawMessage, at time.Time) (event.Descriptor, error) {
	var e envelope
	if err := json.Unmarshal(raw, &e); err != nil {
		return event.Descriptor{}, err
	}
	if e.Kind == "" || e.Metadata.Name == "" {
		return event.Descriptor{}, errors.New("it has no kind or no metadata.name")
	}
	ref, err := identifier.ParseRef(e.Metadata.Name, e.Kind, e.Metadata.Namespace)
	if err != nil {
		return event.Descriptor{}, err
	}
	document, err := ownWords(raw)
	if err != nil {
		return event.Descriptor{}, err
	}
	if len(document) > maxDocument {
		return event.Descriptor{}, fmt.Errorf("it has %d KB; at most %d are kept", len(document)>>10, maxDocument>>10)
	}
	d := event.Descriptor{
		Source:     c.cfg.Source,
		Provider:   Provider,
		Scope:      Scope,
		Location:   ref.String(),
		Document:   string(document),
		Revision:   e.Metadata.ETag,
		ObservedAt: at,
		URL: c.BaseURL() + "catalog/" + url.PathEscape(ref.Namespace) + "/" + url.PathEscape(
			ref.Kind,
		) + "/" + url.PathEscape(ref.Name),
	}
	if d.Revision == "" {
		sum := sha256.Sum256(document)
		d.Revision = "sha256:" + hex.EncodeToString(sum[:])
	}
	return d, d.Validate()
}

// ownWords is an entity without what Backstage added from others.
func ownWords(raw json.RawMessage) ([]byte, error) {
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		return nil, err
	}
	delete(parts, "relations")
	delete(parts, "status")
	document, err := json.Marshal(parts)
	return bytes.ToValidUTF8(document, []byte("\ufffd")), err
}
