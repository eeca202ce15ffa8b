package github

import (
	"github.com/dxctl/dxctl/collectors/github/contents"
	"github.com/dxctl/dxctl/collectors/github/inventory"
	"github.com/dxctl/dxctl/collectors/source"
)

// NewInventory returns the inventory of the organization or user that cfg.Organization names, or of cfg.Repositories.
func NewInventory(cfg Config, opt source.Options) (source.Inventory, error) {
	c, err := New(cfg, opt)
	if err != nil {
		return nil, err
	}
	return inventory.New(inventory.Config{
		Client:  c.api,
		Account: cfg.Organization,
		Owners:  contents.DefaultOwners,
		Path:    c.ownerPath,
	}), nil
}
