package podsecurity

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// chownNeeds are the capabilities of the one task that needs any.
var chownNeeds = []corev1.Capability{"CHOWN", "DAC_OVERRIDE"}

// A Judge holds pods to the newest version of the standards.
type Judge struct{ evaluator policy.Evaluator }

// NewJudge returns one.
func NewJudge() (Judge, error) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	return Judge{evaluator}, err
}

// Faults tells what is wrong with the pod: it must be of the restricted level, or of
// the baseline level if it changes owners, and then only for the sake of that.
func (j Judge) Faults(pod Pod) []string {
	var faults []string
	add := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	others := *pod.Spec.DeepCopy()
	others.InitContainers = slices.DeleteFunc(others.InitContainers, chowns)
	if len(others.Containers)+len(others.InitContainers) > 0 {
		if said := j.refuses(api.LevelRestricted, pod, &others); said != "" {
			add("not restricted: %s", said)
		}
	}
	if len(others.InitContainers) < len(pod.Spec.InitContainers) {
		if said := j.refuses(api.LevelBaseline, pod, &pod.Spec); said != "" {
			add("not baseline: %s", said)
		}
		if j.refuses(api.LevelRestricted, pod, &pod.Spec) == "" {
			add("restricted, although it changes owners")
		}
	}
	if token := pod.Spec.AutomountServiceAccountToken; !pod.Fragment && (token == nil || *token) {
		add("automountServiceAccountToken is not false")
	}
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		for _, fault := range containerFaults(&c) {
			add("container %s: %s", c.Name, fault)
		}
	}
	return faults
}

// refuses returns why the level does not admit the pod.
func (j Judge) refuses(level api.Level, pod Pod, spec *corev1.PodSpec) string {
	result := policy.AggregateCheckResults(j.evaluator.EvaluatePod(api.LevelVersion{Level: level, Version: api.LatestVersion()}, &pod.Meta, spec))
	if result.Allowed {
		return ""
	}
	return result.ForbiddenDetail()
}

// chowns tells whether the container runs that task, by itself or in a plan on its
// command line.
func chowns(c corev1.Container) bool { return slices.Contains(c.Args, "chown") }

func containerFaults(c *corev1.Container) []string {
	var faults []string
	add := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	for _, r := range []struct {
		what string
		list corev1.ResourceList
		name corev1.ResourceName
	}{
		{"request", c.Resources.Requests, corev1.ResourceCPU},
		{"request", c.Resources.Requests, corev1.ResourceMemory},
		{"limit", c.Resources.Limits, corev1.ResourceMemory},
	} {
		if quantity, ok := r.list[r.name]; !ok || quantity.IsZero() {
			add("no %s of %s", r.what, r.name)
		}
	}
	s := c.SecurityContext
	if s == nil {
		return append(faults, "no securityContext")
	}
	if s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem {
		add("readOnlyRootFilesystem is not true")
	}
	if s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation {
		add("allowPrivilegeEscalation is not false")
	}
	if s.Capabilities == nil || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) {
		return append(faults, "capabilities: not ALL are dropped")
	}
	var needs []corev1.Capability
	if chowns(*c) {
		needs = chownNeeds
	}
	if added := slices.Sorted(slices.Values(s.Capabilities.Add)); !slices.Equal(added, needs) {
		add("capabilities %v are added, want %v", added, needs)
	}
	return faults
}
