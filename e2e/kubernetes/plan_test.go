package kubernetes

import (
	"testing"

	"github.com/initbox/initbox/e2e/kube"
	"github.com/initbox/initbox/e2e/podstart"
)

// A pod starts sooner with one container for a plan than with a container for each
// step. This test runs before the parallel tests.
func TestPlanStartsPodsSooner(t *testing.T) {
	ns := kube.New(t).Namespace(t, kube.Restricted)
	times, err := podstart.Measure(t.Context(), ns, ns.Name, 3)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("from the pod's creation to the main container's start:\n%s", times.Table())
	if one, six := times.Median(podstart.OneRun), times.Median(podstart.SixTasks); one >= six {
		t.Errorf("one container for six steps took %s, six containers took %s", one, six)
	}
}
