package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
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
		Long: `Copy a golden path into a new directory, whose name becomes that of the path. Edit it, then check it with
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
	tree, err := p.Copy(name)
	if err != nil {
		return fmt.Errorf("creating golden path %s: %w", dir, err)
	}
	if err := emptyDir(dir); err != nil {
		return fmt.Errorf("creating golden path %s: %w", dir, err)
	}
	if err := writeTree(dir, tree); err != nil {
		return fmt.Errorf("creating golden path %s: %w", dir, err)
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

// emptyDir creates a directory, or reports that there are files in it.
func emptyDir(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return os.MkdirAll(dir, 0o755) //nolint:gosec // what is in it is no secret
	case err != nil:
		return cause(err)
	case len(entries) > 0:
		return errors.New("the directory is not empty; name a new one")
	}
	return nil
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
