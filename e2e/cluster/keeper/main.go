// Keeper is process 1 of a cluster's namespaces (processes, mounts, network).
// When it ends, the kernel kills everything in the cluster and drops its mounts and
// its network, so that nobody has to search for them.
//
// Keeper inherits a socket that listens on the loopback of the host, and forwards
// each connection to an address in the cluster, its first argument. It inherits the
// cluster's lock and holds it for as long as it lives. If the cluster has an owner,
// keeper also inherits the reading end of a pipe, and ends when the owner, which holds
// the other end, has ended. Its other arguments are a folder of programs, and the path
// where the cluster sees that folder.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"
)

// The inherited descriptors, in the order of package cluster; 4 is the lock.
const (
	listenerFD = 3
	ownerFD    = 5
)

func main() {
	log.SetFlags(log.Ltime)
	if len(os.Args) != 4 {
		log.Fatal("keeper: want ADDRESS PROGRAMS FOLDER; package cluster starts this program")
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		log.Fatalf("keeper: %v", err)
	}
}

func run(apiServer, programs, folder string) error {
	if os.Getpid() != 1 {
		return fmt.Errorf("not process 1 of a namespace: package cluster starts this program")
	}
	if err := mount(programs, folder); err != nil {
		return err
	}
	listener, err := net.FileListener(os.NewFile(listenerFD, "listener"))
	if err != nil {
		return fmt.Errorf("inherited socket: %w", err)
	}
	go forward(listener, apiServer)
	go reap()
	fmt.Println("ready") // package cluster waits for this line
	var stat syscall.Stat_t
	if syscall.Fstat(ownerFD, &stat) != nil || stat.Mode&syscall.S_IFMT != syscall.S_IFIFO {
		select {}
	}
	_, err = io.Copy(io.Discard, os.NewFile(ownerFD, "owner"))
	return err
}

// mount gives the cluster its own view of the processes, and of the fixed paths that
// kubelet, containerd and the network plugins use whatever their configuration says.
func mount(programs, folder string) error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts from the host: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	if err := syscall.Mount(programs, folder, "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount %s: %w", folder, err)
	}
	for _, dir := range []string{"/run", "/var/lib", "/var/log"} {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, "mode=755"); err != nil {
			return fmt.Errorf("mount %s: %w", dir, err)
		}
	}
	return tunables()
}

// tunables shows kubelet the kernel settings that it wants. Otherwise kubelet would
// change them, and the kernel has them only once for the whole machine.
func tunables() error {
	if err := os.Mkdir("/run/sysctl", 0o755); err != nil {
		return err
	}
	for name, value := range map[string]string{
		"vm/overcommit_memory": "1", "vm/panic_on_oom": "0", "kernel/panic": "10",
		"kernel/panic_on_oops": "1", "kernel/keys/root_maxkeys": "1000000", "kernel/keys/root_maxbytes": "25000000",
	} {
		f, err := os.CreateTemp("/run/sysctl", "")
		if err != nil {
			return err
		}
		_, err = f.WriteString(value + "\n")
		f.Close()
		if err != nil {
			return err
		}
		if err := syscall.Mount(f.Name(), "/proc/sys/"+name, "", syscall.MS_BIND, ""); err != nil {
			return fmt.Errorf("hide the host's /proc/sys/%s: %w", name, err)
		}
	}
	return nil
}

// reap collects the processes that outlive their parents, as those of containerd do.
func reap() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGCHLD)
	for range signals {
		for {
			if pid, _ := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 {
				break
			}
		}
	}
}

func forward(listener net.Listener, target string) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatalf("keeper: accept: %v", err)
		}
		go carry(conn.(*net.TCPConn), target)
	}
}

func carry(outer *net.TCPConn, target string) {
	defer outer.Close()
	conn, err := net.Dial("tcp", target)
	if err != nil {
		log.Printf("keeper: %v", err)
		return
	}
	inner := conn.(*net.TCPConn)
	defer inner.Close()
	back := make(chan struct{})
	go func() {
		defer close(back)
		pour(outer, inner)
	}()
	pour(inner, outer)
	<-back
}

// pour ends what it writes to when what it reads ends, in whatever way.
func pour(to, from *net.TCPConn) {
	_, _ = io.Copy(to, from)
	_ = to.CloseWrite()
}
