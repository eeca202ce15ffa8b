package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/scorecards/paths"
)

func newPathNew(s *cli) *cobra.Command {
	from := ""
	cmd := &cobra.Command{
		Use:   "new DIR",
		Short: "Begin a golden path of your own, as a copy of another one",
		Long: `Copy a golden path into a new directory, whose name becomes that of the path. A directory that has only a
path.yaml keeps it, and gets the rest. Edit the copy, then check it with
` + "`dxctl path lint`, and test it with `dxctl path test`.",
		Example: "  dxctl path new golden-paths/payment-service --from go-service",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := s.goldenPath(cmd.Context(), from)
			if err != nil {
				return err
			}
			return s.copyPath(p, args[0])
		},
	}
	cmd.Flags().StringVar(&from, "from", "go-service", "`NAME` or directory of the golden path to copy")
	if err := cmd.RegisterFlagCompletionFunc("from", s.pathNames); err != nil {
		panic(err) // the flag was just defined
	}
	return cmd
}

func (s *cli) copyPath(p *paths.Path, dir string) error {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("creating directory %s: %w", dir, err)
	}
	name := filepath.Base(absolute)
	description, err := emptyDir(dir)
	if err != nil {
		return fmt.Errorf("creating golden path %s: %w", dir, err)
	}
	tree, err := p.Copy(name, description)
	if err != nil {
		return fmt.Errorf("creating golden path %s: %w", dir, err)
	}
	files := tree
	if description != nil {
		files = slices.DeleteFunc(slices.Clone(tree), func(f paths.File) bool { return f.Path == paths.DescriptionFile })
	} else if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // what is in it is no secret
		return fmt.Errorf("creating golden path %s: %w", dir, cause(err))
	}
	if err := writeTree(dir, files); err != nil {
		return fmt.Errorf("creating golden path %s: %w", dir, err)
	}
	if made, err := paths.OpenDir(dir, dir); err == nil {
		name = made.Name
	}
	if s.output != "table" {
		return output.Table{
			Columns: []string{"directory", "name", "files", "copy_of", "version"},
			Rows:    [][]string{{dir, name, strconv.Itoa(len(tree)), p.Name, p.Version}}, Right: []string{"files"},
		}.Print(s.out, s.output)
	}
	_, err = fmt.Fprintf(s.out, "%s: golden path %s with %s, a copy of %s %s\n\n"+
		"Next:\n"+
		"  1. Edit %s: title, description, scorecards.\n"+
		"  2. Edit the files in %s.\n"+
		"  3. dxctl path lint %s\n"+
		"  4. dxctl path test %s\n"+
		"  5. Name the directory in dx.yaml, so that others find it:\n\n"+
		"       paths:\n"+
		"         sources: [{dir: %s}]\n",
		output.Printable(dir), name, plural(len(tree), "file", "files"), p.Name, p.Version,
		filepath.Join(dir, paths.DescriptionFile), filepath.Join(dir, paths.TemplateDir), dir, dir, dir)
	return err
}

// emptyDir reports that there are files in a directory. It may have a path.yaml, which is returned.
func emptyDir(dir string) (description []byte, err error) {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && len(entries) == 0:
		return nil, nil
	case err != nil:
		return nil, cause(err)
	case len(entries) > 1 || entries[0].Name() != paths.DescriptionFile:
		return nil, fmt.Errorf("the directory is not empty; name a new one, or one that has only a file %s",
			paths.DescriptionFile)
	}
	description, err = paths.ReadFile(os.DirFS(dir), paths.DescriptionFile, paths.MaxFileBytes)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", paths.DescriptionFile, cause(err))
	}
	return description, nil
}

// writeTree writes files below a directory, in which none of them may exist. Nothing is written through a symbolic
// link that leads out of it.
func writeTree(dir string, tree paths.Tree) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return cause(err)
	}
	defer root.Close() //nolint:errcheck // the files are closed
	for _, f := range tree {
		if below := path.Dir(f.Path); below != "." {
			if err := root.MkdirAll(below, 0o755); err != nil {
				return fmt.Errorf("creating directory %s: %w", below, cause(err))
			}
		}
		mode := os.FileMode(0o644)
		if f.Executable {
			mode = 0o755
		}
		if err := writeNew(root, f, mode); err != nil {
			return fmt.Errorf("writing %s: %w", f.Path, cause(err))
		}
	}
	return nil
}

func writeNew(root *os.Root, f paths.File, mode os.FileMode) (err error) {
	file, err := root.OpenFile(f.Path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	_, err = file.Write(f.Content)
	return err
}
