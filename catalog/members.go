package catalog

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/catalog/identifier"
)

// present are the people of each group at a time. A group's own people are those of memberships that cover the time.
type present struct {
	at     time.Time
	people map[string]map[string]bool // ids of people by the ref of a group, without those of its subgroups
	all    map[string]bool            // ids of everyone who has not left
}

// presentAt returns who is there at a time. It keeps the latest result: the facts of thousands of services are asked
// for at one time.
func (c *Catalog) presentAt(now time.Time) *present {
	if p := c.present.Load(); p != nil && p.at.Equal(now) {
		return p
	}
	p := &present{at: now, people: map[string]map[string]bool{}, all: map[string]bool{}}
	for _, person := range c.people.All() {
		for _, m := range person.Memberships {
			if !m.Covers(now) {
				continue
			}
			p.all[person.ID] = true
			if ref, err := identifier.ParseRef(m.Team, "group", ""); err == nil && m.Team != "" {
				if p.people[ref.String()] == nil {
					p.people[ref.String()] = map[string]bool{}
				}
				p.people[ref.String()][person.ID] = true
			}
		}
	}
	c.present.Store(p)
	return p
}

// ownerMembers returns how many people who have not left own a service: those of its group and of the groups below it.
// A user counts as one. unknown is the reason why the number cannot be determined.
func (c *Catalog) ownerMembers(e descriptor.Entity, now time.Time) (n int, unknown string) {
	i, described := c.byRef[e.Owner]
	switch {
	case e.Owner == "":
		return 0, "the service has no owner; name a group in spec.owner of its descriptor"
	case !described:
		return 0, fmt.Sprintf("its owner %s is not described in the catalog", e.Owner)
	case c.people.Size() == 0:
		return 0, "nobody is known who works here; list a CSV file under people.files, or describe Users in the catalog"
	}
	owner, there := c.entities[i], c.presentAt(now)
	switch owner.Kind {
	case "User":
		if c.isPresent(owner, there) {
			return 1, ""
		}
		return 0, ""
	case "Group":
	default:
		return 0, fmt.Sprintf("its owner %s is neither a group nor a user", e.Owner)
	}
	found := map[string]bool{}
	undescribed := 0
	for _, ref := range c.withSubgroups(owner.Ref) {
		for id := range there.people[ref] {
			found[id] = true
		}
		for _, member := range c.membersOf(ref) {
			if _, ok := c.byRef[member]; !ok {
				undescribed++
			}
		}
	}
	if len(found) == 0 && undescribed > 0 {
		return 0, fmt.Sprintf("%d members of %s are not described; describe them as Users, or list them in a CSV file under "+
			"people.files", undescribed, e.Owner)
	}
	return len(found), ""
}

// isPresent reports whether the person of a user has not left.
func (c *Catalog) isPresent(user descriptor.Entity, there *present) bool {
	ref := identifier.Ref{Namespace: user.Namespace, Name: user.Name}
	id := strings.ToLower(ref.Short())
	for _, p := range c.people.All() {
		if p.ID == id || slices.Contains(p.Records, id) {
			return there.all[p.ID]
		}
	}
	return false
}

func (c *Catalog) membersOf(group string) []string {
	if i, ok := c.byRef[group]; ok {
		return c.entities[i].Members
	}
	return nil
}

// withSubgroups returns a group and all groups below it, by their parent or by the children that a group names. Groups
// that contain each other are each listed once.
func (c *Catalog) withSubgroups(group string) []string {
	seen := map[string]bool{group: true}
	list := []string{group}
	for i := 0; i < len(list); i++ {
		for _, child := range c.subgroups[list[i]] {
			if !seen[child] {
				seen[child] = true
				list = append(list, child)
			}
		}
	}
	return list
}

// noteSubgroups notes which groups are directly below which.
func (c *Catalog) noteSubgroups() {
	c.subgroups = map[string][]string{}
	for _, e := range c.entities {
		if e.Kind != "Group" {
			continue
		}
		c.subgroups[e.Ref] = append(c.subgroups[e.Ref], e.Children...)
		if e.PartOf != "" {
			c.subgroups[e.PartOf] = append(c.subgroups[e.PartOf], e.Ref)
		}
	}
}
