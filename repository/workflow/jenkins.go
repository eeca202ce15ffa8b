package workflow

import (
	"regexp"
	"strings"

	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/tree"
)

// Jenkins is a pipeline of Jenkins. A Jenkinsfile is a program in Groovy: only the stages and the steps that run
// scripts are read, as text. What a shared library or a loaded file runs is unknown.
type Jenkins struct {
	Path  string
	Steps []JenkinsStep
	// Changes is whether the pipeline has a condition on the build of a change (changeRequest, CHANGE_ID), so that it is
	// built for pull requests.
	Changes bool
	// Elsewhere is where it calls what is not in the file: a shared library, or a file that it loads. Its path is empty
	// if it does not.
	Elsewhere fact.Location
}

// JenkinsStep is a step that runs a script: sh, bat, powershell or pwsh.
type JenkinsStep struct {
	Stage  string // the last one that begins before it; "" if none does
	At     fact.Location
	Script string // variables are not replaced
}

// maxJenkinsfile bounds a Jenkinsfile, and maxJenkinsfiles how many are read.
const (
	maxJenkinsfile  = 1 << 20
	maxJenkinsfiles = 20
)

var (
	jenkinsName = regexp.MustCompile(`^([\w-]+/)?Jenkinsfile(\.[\w-]+)?$`)
	// jenkinsToken finds comments, stages, steps with their scripts, and other texts, in the order of the file: what
	// is in a comment or in another string is not a step.
	jenkinsToken = regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n]*|` +
		`\bstage\s*\(\s*(?:name\s*:\s*)?(?:'([^'\n]*)'|"([^"\n]*)")|` +
		`\b(?:sh|bat|powershell|pwsh)\b\s*\(?\s*(?:[\w]+\s*:\s*(?:true|false|'[^'\n]*'|"[^"\n]*")\s*,\s*)*(?:script\s*:\s*)?` +
		`(?:'''(.*?)'''|"""(.*?)"""|'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)")|` +
		`'''.*?'''|""".*?"""|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"`)
	jenkinsChanges   = regexp.MustCompile(`\bchangeRequest\s*\(?|\bCHANGE_(ID|TARGET|BRANCH)\b`)
	jenkinsElsewhere = regexp.MustCompile(`@Library\s*\(|\blibrary\s*[('"]|\bload\s*\(?\s*['"]`)
)

// IsJenkinsfile reports whether a file is a pipeline of Jenkins by its name.
func IsJenkinsfile(name string) bool { return jenkinsName.MatchString(name) }

// ReadJenkins reads the Jenkinsfiles of a repository. One that cannot be read is in the second list.
func ReadJenkins(t *tree.Tree) ([]Jenkins, []fact.Problem) {
	var all []Jenkins
	var unreadable []fact.Problem
	for _, f := range t.Files {
		if !IsJenkinsfile(f.Path) || f.Link {
			continue
		}
		at := fact.Location{Path: f.Path}
		if len(all) >= maxJenkinsfiles {
			return all, append(unreadable, fact.Problem{At: at, Reason: "there are too many Jenkinsfiles"})
		}
		text, err := t.Text(f)
		switch {
		case err != nil:
			unreadable = append(unreadable, fact.Problem{At: at, Reason: err.Error()})
		case len(text) > maxJenkinsfile:
			unreadable = append(unreadable, fact.Problem{At: at, Reason: "the Jenkinsfile is too large"})
		default:
			all = append(all, parseJenkins(f.Path, text))
		}
	}
	return all, unreadable
}

func parseJenkins(file, text string) Jenkins {
	j := Jenkins{Path: file}
	var code strings.Builder // without comments
	line, from, stage := 1, 0, ""
	for _, m := range jenkinsToken.FindAllStringSubmatchIndex(text, -1) {
		line += strings.Count(text[from:m[0]], "\n")
		code.WriteString(text[from:m[0]])
		token := text[m[0]:m[1]]
		if strings.HasPrefix(token, "/") {
			code.WriteString(strings.Repeat("\n", strings.Count(token, "\n")))
		} else {
			code.WriteString(token)
		}
		for group := 1; group <= 6; group++ {
			if m[2*group] < 0 {
				continue
			}
			if found := text[m[2*group]:m[2*group+1]]; group <= 2 {
				stage = found
			} else {
				j.Steps = append(j.Steps, JenkinsStep{stage, fact.Location{Path: file, Line: line}, found})
			}
		}
		line, from = line+strings.Count(token, "\n"), m[1]
	}
	code.WriteString(text[from:])
	j.Changes = jenkinsChanges.MatchString(code.String())
	if at := jenkinsElsewhere.FindStringIndex(code.String()); at != nil {
		j.Elsewhere = fact.Location{Path: file, Line: 1 + strings.Count(code.String()[:at[0]], "\n")}
	}
	return j
}
