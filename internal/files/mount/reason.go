package mount

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/fault"
)

// Why something is not read.
var (
	ErrChanged = errors.New("it changed while it was read") // removed or replaced: start over
	ErrOutside = errors.New("the link leads outside of the source, or is absolute")
	ErrLoop    = errors.New("the link leads back to a directory that it is in")
	ErrSpecial = errors.New("it is not a regular file")

	errDirectory = fault.Reword(ErrSpecial, "it is a directory")
)

// A TooLarge is the error for a file of more than Limit bytes.
type TooLarge struct{ Size, Limit int64 }

func (e *TooLarge) Error() string {
	if e.Limit%(1<<20) == 0 {
		return fmt.Sprintf("it is larger than %d MiB", e.Limit>>20)
	}
	return fmt.Sprintf("it is larger than %d bytes", e.Limit)
}

// The next steps to try.
const (
	nextMissing = "check the path, the container's volumeMounts, and the keys of what is mounted there: kubectl describe configmap,secret"
	nextMount   = "check what is mounted there, and under which path: the container's volumeMounts"
	nextRights  = "set fsGroup in the pod's securityContext, or defaultMode in the volume"
	nextContent = "check the key of the Secret, and what fills it: kubectl describe secret shows the size of each"
	nextChanged = "find out what rewrites it all the time: it must stay unchanged while it is read"
)

// explain puts err, about a file that the user named, into words. It leaves out
// the path, which the user may know by another name.
func explain(err error) error {
	var p *fs.PathError
	switch {
	case errors.Is(err, ErrChanged):
		return err
	case errors.Is(err, fs.ErrNotExist):
		return fault.WithNext(fault.Reword(err, "there is no such file or directory"), nextMissing)
	case errors.Is(err, fs.ErrPermission):
		return fault.WithNext(fault.Reword(err, fmt.Sprintf("UID %d may not read it", os.Geteuid())), nextRights)
	case errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV): // a socket, a device
		return ErrSpecial
	case !errors.As(err, &p):
		return err
	case strings.Contains(p.Err.Error(), "escapes"): // os.Root has no error value for this
		return ErrOutside
	}
	return p.Err
}

// dangling is the error for a name that a listing has but that leads to no
// file.
func dangling(err error) error { return fault.Reword(err, "it is a link that leads nowhere") }

// advised adds the next step to an error that has none.
func advised(err error, next string) error {
	if errors.Is(err, ErrChanged) || fault.NextOf(err) != "" {
		return err
	}
	return fault.WithNext(err, next)
}
