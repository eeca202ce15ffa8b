package main

import (
	"time"

	"github.com/dxctl/dxctl/collectors/github/githubtest"
)

// addOrganization adds an organization with a repository of every sort, two members and a bot.
func addOrganization(server *githubtest.Server, now time.Time) {
	shop := paymentService(now)
	shop.Pushed, shop.Description = now, `Sells "things": # to people`
	shop.Files = []string{"README.md", "Dockerfile", ".github/workflows/ci.yml"}
	shop.Contents = map[string]string{"CODEOWNERS": "* @ada @acme/payments\n/docs @grace\n"}
	for i, environment := range []string{"prod-eu", "Stage", "review/x-1", "sandbox: ${HOME}"} {
		shop.Deployments = append(shop.Deployments, githubtest.Deployment{ID: int64(50 + i), Environment: environment,
			SHA: "e1", Ref: "main", Creator: "ada", Created: now.Add(-time.Hour),
			Statuses: []githubtest.Status{{State: "SUCCESS", At: now}}})
	}
	described := "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: billing\n  annotations: " +
		"{github.com/project-slug: acme/Billing}\nspec: {type: service, lifecycle: production, owner: payments}\n"
	workflow := "on: push\njobs:\n  ship:\n    runs-on: x\n    environment: {name: live}\n    steps: [{run: make ship}]\n"
	for name, repo := range map[string]*githubtest.Repo{
		"shop":      shop,
		"Billing":   {Contents: map[string]string{"catalog-info.yaml": described}, Pushed: now},
		"123":       {Files: []string{"main.go"}, Contents: map[string]string{".github/workflows/main.yml": workflow}},
		".github":   {Files: []string{"profile/README.md"}},
		"lib":       {Files: []string{"lib.go", ".github/workflows/ci.yml"}},
		"old":       {Files: []string{"Dockerfile"}, Archived: true},
		"their-app": {Files: []string{"Dockerfile"}, Fork: true},
		"new":       {Empty: true},
		"skeleton":  {Files: []string{"Dockerfile"}, Template: true},
	} {
		server.Repos["acme/"+name] = repo
	}
	server.Members = []githubtest.Member{{Login: "Ada", Name: "Ada King", Public: true}, {Login: "grace"}, {Login: "acme-bot"}}
	server.Repos["ada/dotfiles"] = &githubtest.Repo{Files: []string{"Dockerfile"}}
	server.Users = map[string]bool{"ada": true}
}
