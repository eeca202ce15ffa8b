package edits

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/actions/splice"
	"github.com/dxctl/dxctl/repository/yamlfile"
)

// lowPort returns where a port below 1024 is named, which the program may listen on: in a manifest, in the variables or
// the arguments of the image, or in the code. "" if nothing names one. Only root may open such a port on some systems.
func (e *editor) lowPort(stage instructions.Stage) string {
	for _, w := range e.Facts.Manifests.Workloads {
		files := []string{w.At.Path}
		if w.Overlay != "" {
			files = append(files, e.resources(w.Overlay, 0)...)
		}
		for _, name := range files {
			content, ok := e.content(name)
			if !ok {
				continue
			}
			f, err := splice.Parse(content)
			if err != nil {
				continue
			}
			for _, doc := range f.Docs {
				if at := lowField(doc, 0); at != nil {
					return fmt.Sprintf("%s:%d has the port %s", name, at.Line, at.Value)
				}
			}
		}
		for _, c := range w.Containers {
			for _, v := range c.Env {
				if v.Value.Known && lowValue(v.Name, v.Value.Value) {
					return fmt.Sprintf("%s:%d sets %s to %s", c.At.Path, c.At.Line, v.Name, v.Value.Value)
				}
			}
		}
	}
	for _, command := range stage.Commands {
		var words []string
		switch c := command.(type) {
		case *instructions.EnvCommand:
			for _, v := range c.Env {
				if lowValue(v.Key, v.Value) {
					return "it sets " + v.Key + " to " + v.Value
				}
			}
		case *instructions.EntrypointCommand:
			words = c.CmdLine
		case *instructions.CmdCommand:
			words = c.CmdLine
		}
		for _, word := range strings.Fields(strings.Join(words, " ")) {
			if m := lastPort.FindStringSubmatch(word); m != nil && low(m[2]) {
				return "its program is started with " + word
			}
		}
	}
	for _, text := range lowTexts() {
		if e.mentions(text) {
			return "the code has " + text
		}
	}
	return ""
}

// lastPort finds the port of an address, or of an option, at the end of a text.
var lastPort = regexp.MustCompile(`(^|[:=])(\d{1,5})$`)

// portName finds names of variables that have a port or an address.
var portName = regexp.MustCompile(`(?i)port|addr|listen|bind`)

// lowValue reports whether a variable has a port below 1024.
func lowValue(name, value string) bool {
	m := lastPort.FindStringSubmatch(strings.TrimSpace(value))
	return portName.MatchString(name) && m != nil && low(m[2])
}

// lowField returns the first number below 1024 of a field that has the port of a container.
func lowField(n *yaml.Node, depth int) *yaml.Node {
	if n == nil || depth > 100 {
		return nil
	}
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			continue
		}
		if n.Kind == yaml.MappingNode && slices.Contains([]string{"containerPort", "targetPort"}, n.Content[i-1].Value) {
			if port, ok := yamlfile.Int(child); ok && port < 1024 {
				return child
			}
		}
		if at := lowField(child, depth+1); at != nil {
			return at
		}
	}
	return nil
}

// lowTexts are the usual ways in which code names a low port that it listens on.
func lowTexts() (texts []string) {
	for _, port := range []string{"80", "443", "53", "22", "25", "81", "88", "389", "514", "587", "853"} {
		for _, format := range []string{`":%s"`, `:%s"`, `':%s'`, `listen(%s)`, `listen(%s,`, `port=%s)`, `port=%s,`, `PORT || %s`} {
			texts = append(texts, fmt.Sprintf(format, port))
		}
	}
	return texts
}

// secureCode are the usual ways in which code serves through TLS.
var secureCode = []string{
	"ListenAndServeTLS", ".ServeTLS(", "SecureServing", "https.createServer", "ssl_context=", "server.ssl.",
}

// secureName finds names of ports, and arguments, by which a container serves through TLS.
var secureName = regexp.MustCompile(`(?i)https|tls|\bssl|secure|-cert\b|certfile`)

// encrypted returns why a container may serve through TLS, so that a request without it gets no answer; "" if nothing
// says so.
func (e *editor) encrypted(c *yaml.Node) string {
	for _, kind := range []string{"readinessProbe", "livenessProbe", "startupProbe"} {
		if strings.EqualFold(yamlfile.Text(splice.Field(c, kind, "httpGet", "scheme")), "HTTPS") {
			return "its " + kind + " uses HTTPS"
		}
	}
	for _, one := range items(splice.Field(c, "ports")) {
		name := yamlfile.Text(splice.Field(one, "name"))
		port, _ := yamlfile.Int(splice.Field(one, "containerPort"))
		if secureName.MatchString(name) || port == 443 || port%1000 == 443 {
			return fmt.Sprintf("its port %s %d is one for TLS", name, port)
		}
	}
	for _, key := range []string{"command", "args"} {
		for _, word := range items(splice.Field(c, key)) {
			if secureName.MatchString(word.Value) {
				return "it is started with " + word.Value
			}
		}
	}
	for _, text := range secureCode {
		if e.mentions(text) {
			return "the code has " + text
		}
	}
	return ""
}
