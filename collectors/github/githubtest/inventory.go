package githubtest

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Member is a member of an organization. An empty name is null.
type Member struct {
	Login, Name string
	Public      bool // whoever may not read the members sees the membership
}

func (m Member) rest() any { return map[string]any{"login": m.Login, "type": "User"} }

func (s *Server) publicMembers() []Member {
	return slices.DeleteFunc(slices.Clone(s.Members), func(m Member) bool { return s.HideMembers && !m.Public })
}

// owns reports whether an account exists: it has a repository.
func (s *Server) owns(account string) bool {
	for name := range s.Repos {
		if strings.HasPrefix(strings.ToLower(name), strings.ToLower(account)+"/") {
			return true
		}
	}
	return false
}

// inventory answers queries about what an account has: its repositories, their workflows, its members.
func (s *Server) inventory(body []byte) (answer any, ok bool) {
	var q struct {
		Query     string
		Variables struct {
			Owner, Name, After string
			First              int
			IDs                []string `json:"ids"`
		}
	}
	if json.Unmarshal(body, &q) != nil {
		return nil, false
	}
	after := 0
	if n, found := strings.CutPrefix(q.Variables.After, "cursor:"); found {
		after, _ = strconv.Atoi(n)
	}
	data := map[string]any{}
	switch v := q.Variables; {
	case strings.Contains(q.Query, "repositoryOwner("):
		data["repositoryOwner"] = s.owner(v.Owner, after, v.First)
	case strings.Contains(q.Query, "organization("):
		if s.Users[v.Owner] || !s.owns(v.Owner) {
			return failed("organization", "NOT_FOUND", "Could not resolve to an Organization."), true
		}
		if s.HideMembers {
			return map[string]any{"errors": []any{map[string]any{
				"type": "INSUFFICIENT_SCOPES",
				"message": "Your token has not been granted the required scopes to execute this query. The 'login' field " +
					"requires one of the following scopes: ['read:org'], but your token has only been granted the: ['repo'] " +
					"scopes.",
			}}}, true
		}
		data["organization"] = map[string]any{"membersWithRole": page(s.Members, after, 100, func(m Member) any {
			return map[string]any{"login": m.Login, "name": text(m.Name)}
		})}
	case strings.Contains(q.Query, "nodes(ids"):
		nodes := []any{}
		for _, id := range v.IDs {
			name := strings.TrimPrefix(id, "R_")
			if repo := s.Repos[name]; repo != nil && strings.Contains(q.Query, "environments(") {
				nodes = append(nodes, map[string]any{"id": id, "environments": repo.environments()})
			} else if repo != nil {
				nodes = append(nodes, map[string]any{"id": id, "workflows": repo.directory(".github/workflows", true)})
			}
		}
		data["nodes"] = nodes
	case strings.Contains(q.Query, "root: object("):
		repo := s.Repos[v.Owner+"/"+v.Name]
		if repo == nil || repo.NoGraphQL {
			return failed("repository", "NOT_FOUND", "Could not resolve to a Repository."), true
		}
		data["repository"] = s.inventoryNode(v.Owner + "/" + v.Name)
	default:
		return nil, false
	}
	return map[string]any{"data": data}, true
}

func failed(field, kind, message string) any {
	return map[string]any{"data": map[string]any{field: nil},
		"errors": []any{map[string]any{"type": kind, "message": message, "path": []string{field}}}}
}

func (s *Server) owner(login string, after, first int) any {
	var names []string
	for name := range s.Repos {
		if strings.HasPrefix(strings.ToLower(name), strings.ToLower(login)+"/") {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	spelling, _, _ := strings.Cut(names[0], "/")
	owner := map[string]any{"__typename": "Organization", "login": spelling,
		"repositories": page(names, after, first, s.inventoryNode)}
	if s.Users[spelling] {
		owner["__typename"], owner["name"] = "User", "Name of "+spelling
	}
	return owner
}

func (s *Server) inventoryNode(name string) any {
	repo := s.Repos[name]
	node := map[string]any{"id": "R_" + name, "nameWithOwner": name, "url": s.URL + "/" + name,
		"description": text(repo.Description), "isArchived": repo.Archived, "isFork": repo.Fork, "isDisabled": repo.Disabled,
		"isEmpty": repo.Empty, "isTemplate": repo.Template,
		"pushedAt": when(repo.Pushed), "defaultBranchRef": map[string]any{"name": "main"},
		"root": repo.directory(".", false), "workflows": repo.directory(".github/workflows", false),
		"deployments": page(repo.deployments(), 0, 30, func(d Deployment) any {
			return map[string]any{"environment": text(d.Environment)}
		})}
	if repo.Empty {
		node["defaultBranchRef"], node["root"] = nil, nil
	}
	for i, file := range []string{".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"} {
		if content, ok := repo.Contents[file]; ok {
			node[fmt.Sprintf("owners%d", i)] = map[string]any{"text": content}
		}
	}
	return node
}

// environments are those of all deployments, each once.
func (r *Repo) environments() any {
	var names []string
	for _, d := range r.Deployments {
		if d.Environment != "" && !slices.Contains(names, d.Environment) {
			names = append(names, d.Environment)
		}
	}
	return page(names, 0, 100, func(name string) any { return map[string]any{"name": name} })
}

// directory is the tree of a directory; nil if it has no files.
func (r *Repo) directory(dir string, texts bool) any {
	entries := map[string]any{}
	add := func(file, content string) {
		if path.Dir(file) == dir {
			entry := map[string]any{"name": path.Base(file), "type": "blob"}
			if texts {
				entry["object"] = map[string]any{"text": content}
			}
			entries[file] = entry
		} else if first, _, nested := strings.Cut(file, "/"); dir == "." && nested {
			entries[first] = map[string]any{"name": first, "type": "tree"}
		}
	}
	for _, file := range r.Files {
		add(file, "")
	}
	for file, content := range r.Contents {
		add(file, content)
	}
	if len(entries) == 0 {
		return nil
	}
	all := make([]any, 0, len(entries))
	for _, entry := range entries {
		all = append(all, entry)
	}
	return map[string]any{"entries": all}
}
