package fix

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/rhysd/actionlint"
	"go.yaml.in/yaml/v3"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	strictjson "sigs.k8s.io/json"

	"github.com/dxctl/dxctl/repository/container"
)

// judge returns why the programs that read a file would refuse a patch: an error that the file did not have before. A
// file of another kind is not judged.
func judge(name string, before, after []byte) error {
	var find func(name string, content []byte) []string
	ext := path.Ext(name)
	isYAML := ext == ".yml" || ext == ".yaml"
	switch {
	case after == nil:
		return nil
	case isYAML && path.Dir(name) == ".github/workflows":
		find = workflowErrors
	case container.IsDockerfile(name):
		find = dockerfileErrors
	case isYAML:
		find = manifestErrors
	case ext == ".json":
		find = func(_ string, content []byte) []string {
			if !json.Valid(content) {
				return []string{"it is not valid JSON"}
			}
			return nil
		}
	default:
		return nil
	}
	var known []string
	if before != nil {
		known = find(name, before)
	}
	var errs []error
	for _, problem := range find(name, after) {
		if i := slices.Index(known, problem); i >= 0 {
			known = slices.Delete(known, i, i+1) // as often as before
			continue
		}
		errs = append(errs, errors.New(problem))
	}
	return errors.Join(errs...)
}

// workflowErrors are those of actionlint. Programs that it can start for scripts are not started.
func workflowErrors(name string, content []byte) []string {
	linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{})
	if err != nil {
		return []string{err.Error()}
	}
	found, err := linter.Lint(name, content, nil)
	if err != nil {
		return []string{err.Error()}
	}
	var errs []string
	for _, one := range found {
		errs = append(errs, "actionlint: "+one.Message)
	}
	return errs
}

// dockerfileErrors are those of BuildKit.
func dockerfileErrors(_ string, content []byte) []string {
	parsed, err := parser.Parse(bytes.NewReader(content))
	if err == nil {
		_, _, err = instructions.Parse(parsed.AST, nil)
	}
	if err != nil {
		return []string{"BuildKit: " + err.Error()}
	}
	return nil
}

// manifestErrors are those with which the API of Kubernetes would refuse an object: unknown, repeated and misspelled
// fields, and values of another type. Objects of other types must be valid YAML.
func manifestErrors(_ string, content []byte) (errs []string) {
	d := yaml.NewDecoder(bytes.NewReader(content))
	for {
		var value map[string]any
		err := d.Decode(&value)
		if errors.Is(err, io.EOF) {
			return errs
		}
		if err != nil {
			return append(errs, strings.TrimPrefix(err.Error(), "yaml: "))
		}
		data, err := json.Marshal(value)
		if err != nil {
			continue // keys that are no texts: no object of Kubernetes
		}
		if err := decodeObject(fmt.Sprint(value["apiVersion"])+"/"+fmt.Sprint(value["kind"]), data); err != nil {
			errs = append(errs, err.Error())
		}
	}
}

func decodeObject(kind string, data []byte) error {
	var object any
	switch kind {
	case "apps/v1/Deployment":
		object = &appsv1.Deployment{}
	case "apps/v1/StatefulSet":
		object = &appsv1.StatefulSet{}
	case "apps/v1/DaemonSet":
		object = &appsv1.DaemonSet{}
	case "batch/v1/Job":
		object = &batchv1.Job{}
	case "batch/v1/CronJob":
		object = &batchv1.CronJob{}
	case "v1/Pod":
		object = &corev1.Pod{}
	case "v1/Service":
		object = &corev1.Service{}
	case "policy/v1/PodDisruptionBudget":
		object = &policyv1.PodDisruptionBudget{}
	default:
		return nil
	}
	strict, err := strictjson.UnmarshalStrict(data, object)
	return errors.Join(append(strict, err)...)
}
