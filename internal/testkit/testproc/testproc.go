// Package testproc starts programs for tests that end with the process that started
// them, even if that is killed.
package testproc

import (
	"os/exec"
	"runtime"
	"syscall"
)

// Start starts cmd, which the kernel sends atDeath when this process ends. From ended
// comes what [exec.Cmd.Wait] says; it is closed then.
func Start(cmd *exec.Cmd, atDeath syscall.Signal) (ended <-chan error, err error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	cmd.SysProcAttr.Pdeathsig = atDeath
	started, end := make(chan error), make(chan error, 1)
	go func() {
		// The kernel takes the end of the thread that started the program for the end of
		// the process: this one stays as long as the program does.
		runtime.LockOSThread()
		defer close(end)
		err := cmd.Start()
		started <- err
		if err == nil {
			end <- cmd.Wait()
		}
	}()
	return end, <-started
}
