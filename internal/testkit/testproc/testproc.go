// Package testproc starts programs for tests. They end with the process that
// started them, even if that is killed.
package testproc

import (
	"os/exec"
	"runtime"
	"syscall"
)

// Start starts cmd and lets the kernel send it atDeath when this process ends. The
// channel ended delivers the result of [exec.Cmd.Wait] and is then closed.
func Start(cmd *exec.Cmd, atDeath syscall.Signal) (ended <-chan error, err error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	cmd.SysProcAttr.Pdeathsig = atDeath
	started, end := make(chan error), make(chan error, 1)
	go func() {
		// The kernel sends the signal when the thread that started the program ends, so
		// this thread must live as long as the program.
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
