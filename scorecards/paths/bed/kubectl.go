package main

import (
	"fmt"
	"os"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// kubectl does what the workflows and deploy.sh of the golden paths ask for, without a cluster. It fails to wait for a
// rollout if $KUBECTL_ROLLOUT is "fail".
func kubectl(args []string) error {
	line := strings.Join(args, " ")
	switch {
	case len(args) == 2 && args[0] == "kustomize":
		text, err := render(args[1])
		fmt.Print(text)
		return err
	case len(args) == 3 && args[0] == "apply" && args[1] == "--kustomize":
		text, err := render(args[2])
		if err != nil {
			return err
		}
		return record("apply\n" + text)
	case strings.HasPrefix(line, "rollout status ") && os.Getenv("KUBECTL_ROLLOUT") == "fail":
		return fmt.Errorf("error: timed out waiting for the condition")
	}
	return record(line + "\n")
}

func render(dir string) (string, error) {
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return "", fmt.Errorf("rendering %s: %w", dir, err)
	}
	text, err := resources.AsYaml()
	return string(text), err
}

func record(text string) error {
	name := os.Getenv("KUBECTL_LOG")
	if name == "" {
		return nil
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(text); err != nil {
		return err
	}
	return f.Close()
}
