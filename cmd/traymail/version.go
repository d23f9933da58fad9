package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the release build; otherwise the build's own record counts.
var version = ""

// versionName is what the program calls itself.
func versionName() string {
	if info, ok := debug.ReadBuildInfo(); ok && version == "" {
		return info.Main.Version
	}
	return version
}

type versionInfo struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Window   bool   `json:"window"`
}

func (p *program) versionCommand() *cobra.Command {
	return p.reporting(&cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			v := versionInfo{Version: versionName(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Window: hasWindow}
			if info, ok := debug.ReadBuildInfo(); ok {
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						v.Revision = s.Value
					}
				}
			}
			if p.json {
				return p.printJSON(v)
			}
			face := "without the window"
			if v.Window {
				face = "with the window"
			}
			_, err := fmt.Fprintf(p.stdout, "traymail %s %s, %s, %s\n", v.Version, v.Platform, v.Go, face)
			return err
		},
	})
}
