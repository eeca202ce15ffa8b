// Command bed has what `make test-paths` needs to run the services of the golden paths:
//
//	bed dockerfile FILE…  checks Dockerfiles as `docker build --check` does
//	bed redis             serves a Redis in memory, and prints its address
//	kubectl …             (by this name) renders kustomizations, and writes what it was asked to $KUBECTL_LOG
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/alicebob/miniredis/v2"
)

func main() {
	err := errors.New("usage: bed dockerfile FILE… | bed redis")
	switch args := os.Args[1:]; {
	case filepath.Base(os.Args[0]) == "kubectl":
		err = kubectl(args)
	case len(args) > 1 && args[0] == "dockerfile":
		err = dockerfiles(context.Background(), args[1:])
	case len(args) == 1 && args[0] == "redis":
		err = redis()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// redis serves until it is terminated.
func redis() error {
	server, err := miniredis.Run()
	if err != nil {
		return fmt.Errorf("starting Redis: %w", err)
	}
	defer server.Close()
	fmt.Println(server.Addr())
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
	return nil
}
