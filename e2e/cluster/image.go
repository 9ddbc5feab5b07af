package cluster

import (
	"context"
	"fmt"

	"github.com/initbox/initbox/e2e/internal/command"
)

// Load loads the images of a docker-archive, as "docker save" writes it, into the node.
func (c *Cluster) Load(ctx context.Context, archive string) error {
	if _, err := command.Output(ctx, c.tools.ctr, "--address", c.path("containerd.sock"), "--namespace", "k8s.io", "images", "import", archive); err != nil {
		return fmt.Errorf("load %s: %w", archive, err)
	}
	return nil
}
