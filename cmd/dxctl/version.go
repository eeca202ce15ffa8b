package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/migrations"
)

// version is set by the linker (make build).
var version = ""

// versionString returns the version of this binary: the one set by the linker, or else the module version.
func versionString() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

func newVersion(s *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, the schema version and the platform",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return output.Table{
				Columns: []string{"version", "schema", "go", "platform"},
				Rows: [][]string{
					{versionString(), fmt.Sprint(migrations.Latest()), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH},
				},
			}.Print(s.out, s.output)
		},
	}
}
