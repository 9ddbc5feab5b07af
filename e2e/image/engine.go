// Package image builds the image of our Dockerfile in a Docker engine of its own,
// and says what is in it.
//
// No registry is asked: the engine gets a stand-in of the base image, put together
// by package debimage under the very name that the Dockerfile has.
package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/initbox/initbox/e2e/internal/command"
)

// How long the engine may take to answer, and to end.
const patience = time.Minute

// An Engine is a Docker engine that shares nothing with one that the machine may have,
// and leaves the machine's network alone: containers have none, that of the host, or one another's.
type Engine struct {
	folder string
	daemon *exec.Cmd
	ended  chan error
}

// Start starts an engine. It needs root and Debian's package docker.io.
func Start(ctx context.Context) (*Engine, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("a Docker engine of one's own needs root: run this with sudo")
	}
	dockerd, err := find("dockerd")
	if err != nil {
		return nil, err
	}
	docker, err := find("docker")
	if err != nil {
		return nil, err
	}
	// Short, for a unix socket's path has at most 107 bytes.
	folder, err := os.MkdirTemp("", "initbox-docker-")
	if err != nil {
		return nil, err
	}
	e := &Engine{folder: folder, ended: make(chan error, 1)}
	if err := e.prepare(docker, dockerd); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
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
	path, err := exec.LookPath(program)
	if err != nil {
		return "", fmt.Errorf("%w: install Debian's package docker.io (make install-tools)", err)
	}
	return path, nil
}

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
	e.daemon = exec.Command(dockerd, "--config-file", settings, "--host", e.host(), "--data-root", e.path("data"),
		"--exec-root", e.path("exec"), "--pidfile", e.path("pid"), "--bridge", "none", "--iptables=false", "--ip-forward=false",
		"--oom-score-adjust", "0")
	e.daemon.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	e.daemon.Stdout, e.daemon.Stderr = log, log
	// It must not outlive us, even if we end without a word.
	e.daemon.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	return nil
}

// start runs the daemon from a thread that stays as long as it does: the kernel
// takes the end of the thread that started it for the end of the process.
func (e *Engine) start(ctx context.Context) error {
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err := e.daemon.Start()
		started <- err
		if err == nil {
			err = e.daemon.Wait()
		}
		e.ended <- err
	}()
	if err := <-started; err != nil {
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
			e.ended <- end
			return fmt.Errorf("dockerd ended (%w):\n%s", end, e.log())
		case <-ctx.Done():
			return fmt.Errorf("dockerd does not answer: %w\n%s", err, e.log())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Stop ends all containers and the engine, and removes all that it kept.
func (e *Engine) Stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if ids, err := e.Docker(ctx, "ps", "--all", "--quiet"); err == nil && ids != "" {
		if _, err := e.Docker(ctx, append([]string{"rm", "--force", "--volumes"}, strings.Fields(ids)...)...); err != nil {
			return err
		}
	}
	if e.daemon.Process != nil {
		if err := e.daemon.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
		select {
		case <-e.ended:
		case <-ctx.Done():
			return fmt.Errorf("dockerd, process %d, does not end:\n%s", e.daemon.Process.Pid, e.log())
		}
	}
	if err := e.unmount(); err != nil {
		return err
	}
	return os.RemoveAll(e.folder)
}

// unmount unmounts what the daemon leaves, such as the network namespace of the host.
func (e *Engine) unmount() error {
	table, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return err
	}
	lines := slices.Collect(strings.Lines(string(table)))
	slices.Reverse(lines) // what was mounted last, first
	for _, line := range lines {
		if place := strings.Fields(line)[1]; strings.HasPrefix(place, e.folder+"/") {
			if err := syscall.Unmount(place, syscall.MNT_DETACH); err != nil {
				return fmt.Errorf("unmount %s: %w", place, err)
			}
		}
	}
	return nil
}

// Docker runs the client and returns what it printed.
func (e *Engine) Docker(ctx context.Context, args ...string) (string, error) {
	return e.Client(args...).Output(ctx)
}

// Client is a command of the client.
func (e *Engine) Client(args ...string) command.Command {
	return command.Command{Env: e.Env(), Args: append([]string{e.path("bin/docker")}, args...)}
}

// Env are the variables by which a docker on PATH is this engine's client.
func (e *Engine) Env() []string {
	return []string{
		"DOCKER_HOST=" + e.host(), "DOCKER_CONFIG=" + e.path("config"), "DOCKER_CONTEXT=",
		"PATH=" + e.path("bin") + ":" + os.Getenv("PATH"),
	}
}

func (e *Engine) host() string            { return "unix://" + e.path("socket") }
func (e *Engine) path(name string) string { return filepath.Join(e.folder, name) }

func (e *Engine) log() string {
	text, err := os.ReadFile(e.path("log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}
