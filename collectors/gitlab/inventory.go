package gitlab

import (
	"github.com/dxctl/dxctl/collectors/gitlab/inventory"
	"github.com/dxctl/dxctl/collectors/source"
)

// NewInventory returns the inventory of the group or user cfg.Groups[0], or of cfg.Projects.
func NewInventory(cfg Config, opt source.Options) (source.Inventory, error) {
	c, err := New(cfg, opt)
	if err != nil {
		return nil, err
	}
	group := ""
	if len(cfg.Groups) > 0 {
		group = cfg.Groups[0]
	}
	return inventory.New(c.Client, cfg.Token, group), nil
}
