// Package image builds the image of our Dockerfile in its own Docker engine, and reads
// what the image contains.
//
// It uses no registry: the engine gets a stand-in for the base image, which package
// debimage puts together under the name in the Dockerfile.
package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/initbox/initbox/e2e/internal/command"
	"github.com/initbox/initbox/internal/testkit/testdir"
	"github.com/initbox/initbox/internal/testkit/testproc"
)

// How long the engine may take to answer, and to end.
const patience = time.Minute

// An Engine is a Docker engine that shares nothing with an engine of the machine, and
// leaves the machine's network alone: a container has no network, that of the host, or that of another container.
type Engine struct {
	folder *testdir.Dir
	daemon *exec.Cmd
	ended  <-chan error
}

// Start starts an engine. It needs root and Debian's package docker.io.
func Start(ctx context.Context) (*Engine, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("starting a Docker engine needs root: run this with sudo")
	}
	dockerd, err := find("dockerd")
	if err != nil {
		return nil, err
	}
	docker, err := find("docker")
	if err != nil {
		return nil, err
	}
	// Short, because the path of a unix socket has at most 107 bytes.
	folder, err := testdir.Make("", "initbox-docker-")
	if err != nil {
		return nil, err
	}
	e := &Engine{folder: folder}
	if err := e.prepare(docker, dockerd); err != nil {
		return nil, errors.Join(err, e.folder.Remove())
	}
	if err := e.start(ctx); err != nil {
		return nil, errors.Join(err, e.Stop())
	}
	return e, nil
}

// find prefers Debian's programs: its client can use BuildKit without a plugin.
func find(program string) (string, error) {
	for _, folder := range []string{"/usr/bin", "/usr/sbin"} {
		if path, err := exec.LookPath(filepath.Join(folder, program)); err == nil {
			return path, nil
		}
	}
	path, err := command.LookPath(program)
	if err != nil {
		return "", fmt.Errorf("%w: install Debian's package docker.io (make install-tools)", err)
	}
	return path, nil
}

// hidden is a script that hides the machine's containerd from a command: dockerd would
// use that containerd instead of starting its own.
const hidden = `if [ -d /run/containerd ]; then mount -t tmpfs -o mode=711 tmpfs /run/containerd || exit; fi; exec "$0" "$@"`

func (e *Engine) prepare(docker, dockerd string) error {
	for _, folder := range []string{"bin", "config"} {
		if err := os.Mkdir(e.path(folder), 0o755); err != nil {
			return err
		}
	}
	if err := os.Symlink(docker, e.path("bin/docker")); err != nil {
		return err
	}
	settings := e.path("daemon.json")
	if err := os.WriteFile(settings, []byte("{}"), 0o644); err != nil {
		return err
	}
	log, err := os.Create(e.path("log"))
	if err != nil {
		return err
	}
	e.daemon = exec.Command("sh", "-c", hidden, dockerd, "--config-file", settings, "--host", e.host(), "--data-root", e.path("data"),
		"--exec-root", e.path("exec"), "--pidfile", e.path("pid"), "--bridge", "none", "--iptables=false", "--ip-forward=false",
		"--oom-score-adjust", "0")
	e.daemon.Env = append(os.Environ(), "PATH="+command.SearchPath())
	e.daemon.Stdout, e.daemon.Stderr = log, log
	e.daemon.ExtraFiles = []*os.File{e.folder.Lock} // if this process is killed, the daemon needs the folder until it has ended
	// The daemon's mounts must not outlive it.
	e.daemon.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Unshareflags: syscall.CLONE_NEWNS}
	return nil
}

// start starts the daemon and returns when it answers. The daemon never outlives this process, even if that is killed.
func (e *Engine) start(ctx context.Context) (err error) {
	if e.ended, err = testproc.Start(e.daemon, syscall.SIGTERM); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		_, err := e.Docker(ctx, "version")
		if err == nil {
			return nil
		}
		select {
		case end := <-e.ended:
			return fmt.Errorf("dockerd ended (%v):\n%s", end, e.log())
		case <-ctx.Done():
			return fmt.Errorf("dockerd does not answer: %w\n%s", err, e.log())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Stop ends all containers and the engine, and removes its files.
func (e *Engine) Stop() error {
	if e.daemon.Process == nil {
		return e.folder.Remove()
	}
	err := e.clear()
	if endErr := e.end(); endErr != nil {
		return errors.Join(err, endErr) // its files are still in use
	}
	return errors.Join(err, e.folder.Remove())
}

// clear removes all containers of an engine that answers.
func (e *Engine) clear() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ids, err := e.Docker(ctx, "ps", "--all", "--quiet")
	if err != nil || ids == "" {
		return nil
	}
	_, err = e.Docker(ctx, append([]string{"rm", "--force", "--volumes"}, strings.Fields(ids)...)...)
	return err
}

// end ends the daemon, which ends its remaining containers.
func (e *Engine) end() error {
	if err := e.daemon.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case err := <-e.ended:
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			return nil // it has ended, with whatever code
		}
		return err
	case <-time.After(patience):
		return fmt.Errorf("dockerd, process %d, does not end:\n%s", e.daemon.Process.Pid, e.log())
	}
}

// Docker runs the client and returns its output.
func (e *Engine) Docker(ctx context.Context, args ...string) (string, error) {
	return e.Client(args...).Output(ctx)
}

// Client returns a command that runs the client.
func (e *Engine) Client(args ...string) command.Command {
	return command.Command{Env: e.Env(), Args: append([]string{e.path("bin/docker")}, args...)}
}

// Env returns the variables that make a docker on PATH the client of this engine.
func (e *Engine) Env() []string {
	return []string{
		"DOCKER_HOST=" + e.host(), "DOCKER_CONFIG=" + e.path("config"), "DOCKER_CONTEXT=",
		"PATH=" + e.path("bin") + ":" + os.Getenv("PATH"),
	}
}

func (e *Engine) host() string            { return "unix://" + e.path("socket") }
func (e *Engine) path(name string) string { return filepath.Join(e.folder.Path, name) }

func (e *Engine) log() string {
	text, err := os.ReadFile(e.path("log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}
