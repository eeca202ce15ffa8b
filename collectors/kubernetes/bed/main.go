// Command bed is a Kubernetes control plane in one binary: etcd, the API server and the controllers, as the scenarios
// of the Kubernetes collector start them. It has a module of its own, because Kubernetes pins hundreds of dependencies.
//
//	bed etcd DIR CLIENT-URL PEER-URL
//	bed apiserver FLAGS…
//	bed controllers FLAGS…
//
// Each part runs until it gets SIGTERM.
package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bed:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New("give the part: etcd, apiserver or controllers")
	}
	switch part, rest := args[0], args[1:]; part {
	case "etcd":
		return etcd(rest)
	case "apiserver":
		return command(apiserver.NewAPIServerCommand(), rest)
	case "controllers":
		return command(controllers.NewControllerManagerCommand(), rest)
	default:
		return fmt.Errorf("unknown part %q: give etcd, apiserver or controllers", part)
	}
}

// command runs a Kubernetes component as its own main does.
func command(c *cobra.Command, args []string) error {
	c.SetArgs(args)
	if code := cli.Run(c); code != 0 {
		return fmt.Errorf("%s ended with code %d", c.Name(), code)
	}
	return nil
}

// etcd serves an empty database until the process is told to stop.
func etcd(args []string) error {
	if len(args) != 3 {
		return errors.New("etcd: give the directory, the client URL and the peer URL")
	}
	client, err := url.Parse(args[1])
	if err != nil {
		return fmt.Errorf("parsing the client URL: %w", err)
	}
	peer, err := url.Parse(args[2])
	if err != nil {
		return fmt.Errorf("parsing the peer URL: %w", err)
	}
	cfg := embed.NewConfig()
	cfg.Dir, cfg.LogLevel, cfg.UnsafeNoFsync = args[0], "error", true
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{*client}, []url.URL{*client}
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{*peer}, []url.URL{*peer}
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	server, err := embed.StartEtcd(cfg)
	if err != nil {
		return fmt.Errorf("starting etcd: %w", err)
	}
	defer server.Close()
	select {
	case <-server.Server.ReadyNotify():
	case <-time.After(time.Minute):
		return errors.New("etcd was not ready within a minute")
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	select {
	case <-stop:
		return nil
	case err := <-server.Err():
		return err
	}
}
