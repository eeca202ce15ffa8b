package workload

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/dxctl/dxctl/event"
)

// manager is who set fields of a workload's template: an entry of its managed fields.
type manager struct {
	name string
	at   time.Time // when it last changed or added one of its fields, also one outside the template
	owns []uint32  // paths within the template, hashed
}

// managed reads from the managed fields who set what and when. The server changes an entry's time whenever its manager
// changes any of its fields, so the time alone is not when the template was changed.
func (w *Workload) managed(u *unstructured.Unstructured) {
	for _, m := range u.GetManagedFields() {
		if m.Time == nil || !event.ValidTime(m.Time.Time) {
			continue
		}
		at := m.Time.UTC()
		if m.Subresource == "status" {
			w.Touched = source.Latest(w.Touched, at)
			continue
		}
		if m.FieldsV1 == nil {
			continue
		}
		raw := m.FieldsV1.GetRawString()
		if strings.Contains(raw, `"f:`+rolloutRevision+`"`) || strings.Contains(raw, `"f:`+deploymentRevision+`"`) {
			if !strings.Contains(raw, `"f:status"`) { // else the time is that of the latest status
				w.numberedAt = source.Latest(w.numberedAt, at)
			}
			continue
		}
		if owns := ownedPaths(raw); len(owns) > 0 {
			w.managers = append(w.managers, manager{m.Manager, at, owns})
		}
	}
}

// ownedPaths returns the paths within spec.template that an entry of the managed fields lists, hashed.
func ownedPaths(fieldsV1 string) []uint32 {
	if !strings.Contains(fieldsV1, `"f:template"`) {
		return nil
	}
	var fields struct {
		Spec struct {
			Template *map[string]any `json:"f:template"`
		} `json:"f:spec"`
	}
	if json.Unmarshal([]byte(fieldsV1), &fields) != nil || fields.Spec.Template == nil {
		return nil
	}
	var owns []uint32
	var walk func(path string, m map[string]any)
	walk = func(path string, m map[string]any) {
		if len(m) == 0 {
			owns = append(owns, hashOf(path))
		}
		for key, below := range m {
			inner, _ := below.(map[string]any)
			if name, isField := strings.CutPrefix(key, "f:"); isField {
				walk(path+"/"+name, inner)
			} else if keys, isItem := strings.CutPrefix(key, "k:"); isItem {
				walk(path+"/"+canonical(keys), inner)
			} // "." is the place itself, "v:" an element of a set: who owns them did not have to change anything below
		}
	}
	walk("", *fields.Spec.Template)
	return owns
}

// canonical writes the keys of a list's item in one form.
func canonical(keys string) string {
	var m map[string]any
	if json.Unmarshal([]byte(keys), &m) != nil {
		return keys
	}
	return itemName(m, slices.Collect(maps.Keys(m)))
}

// itemName names an item of a list by some of its fields.
func itemName(item map[string]any, keys []string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(slices.Values(keys)) {
		fmt.Fprintf(&b, "[%s=%v]", k, item[k])
	}
	return b.String()
}

// listKeys are the fields by which the API identifies the items of a pod template's lists; other lists are one value.
var listKeys = map[string][]string{
	"containers":       {"name"},
	"initContainers":   {"name"},
	"volumes":          {"name"},
	"env":              {"name"},
	"imagePullSecrets": {"name"},
	"resourceClaims":   {"name"},
	"claims":           {"name"},
	"ports":            {"containerPort", "protocol"},
	"volumeMounts":     {"mountPath"},
	"volumeDevices": {
		"devicePath",
	},
	"hostAliases":               {"ip"},
	"topologySpreadConstraints": {"topologyKey", "whenUnsatisfiable"},
}

// templateFields returns for every place of a template a hash of its path (the upper half) and of its value, sorted.
// What one template has and another has not is what changed, and everything above it.
func templateFields(raw any) []uint64 {
	t, ok := raw.(map[string]any)
	if !ok {
		return nil
	}
	var fields []uint64
	var walk func(path, name string, v any) uint32
	walk = func(path, name string, v any) uint32 {
		sum := fnv.New32a()
		switch v := v.(type) {
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(v)) {
				fmt.Fprintf(sum, "%s:%08x;", k, walk(path+"/"+k, k, v[k]))
			}
		case []any:
			for _, item := range v {
				m, isMap := item.(map[string]any)
				if keys, keyed := listKeys[name]; keyed && isMap {
					fmt.Fprintf(sum, "%08x;", walk(path+"/"+itemName(m, keys), "", m))
				} else if text, err := json.Marshal(item); err == nil {
					fmt.Fprintf(sum, "%s;", text)
				}
			}
		default:
			fmt.Fprintf(sum, "%v", v)
		}
		fields = append(fields, uint64(hashOf(path))<<32|uint64(sum.Sum32()))
		return sum.Sum32()
	}
	walk("", "", slim(t))
	slices.Sort(fields)
	return slices.Clip(fields)
}

func hashOf(path string) uint32 {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(path)) // never fails
	return sum.Sum32()
}

// changedPaths returns the hashed paths of what differs between two templates.
func changedPaths(a, b []uint64) map[uint32]bool {
	changed := map[uint32]bool{}
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0] < b[0]:
			changed[uint32(a[0]>>32)] = true
			a = a[1:]
		case len(a) == 0 || b[0] < a[0]:
			changed[uint32(b[0]>>32)] = true
			b = b[1:]
		default:
			a, b = a[1:], b[1:]
		}
	}
	return changed
}

// changedBy returns who changed the template of a revision: the manager that owns what differs from the revision
// before; nil when that is not known. Where several do, as with server-side apply, the one whose latest change was
// not after the revision was made. What was removed nobody owns; then it is a manager that changed something between
// the two revisions. A time that is zero is not known; the times of managers have the precision of a second.
func changedBy(managers []manager, before, now []uint64, earlier, made time.Time) *manager {
	of, since := managers, time.Time{}
	if before != nil && now != nil {
		changed := changedPaths(before, now)
		of = slices.DeleteFunc(slices.Clone(managers), func(m manager) bool {
			return !slices.ContainsFunc(m.owns, func(path uint32) bool { return changed[path] })
		})
		if len(of) == 0 {
			of, since = managers, earlier
		}
	}
	if len(of) == 1 && since.IsZero() {
		return &of[0]
	}
	var latest *manager
	for i, m := range of {
		if !made.IsZero() && m.at.After(made.Add(time.Second)) || m.at.Before(since) {
			continue
		}
		if latest == nil || m.at.After(latest.at) {
			latest = &of[i]
		}
	}
	return latest
}
