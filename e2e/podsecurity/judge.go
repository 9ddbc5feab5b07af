package podsecurity

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// A Judge checks pods against the newest version of the standards.
type Judge struct {
	evaluator policy.Evaluator
	needs     Needs
}

// NewJudge returns a Judge that grants each task what it needs.
func NewJudge(needs Needs) (Judge, error) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	return Judge{evaluator, needs}, err
}

// Faults returns what is wrong with the pod: it must meet the restricted level. If a task
// needs more, the pod must meet the baseline level, and deviate only as that task needs.
func (j Judge) Faults(pod Pod) []string {
	var faults []string
	add := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	others := *pod.Spec.DeepCopy()
	others.InitContainers = slices.DeleteFunc(others.InitContainers, j.needs.privileged)
	if len(others.Containers)+len(others.InitContainers) > 0 {
		if reason := j.refuses(api.LevelRestricted, pod, &others); reason != "" {
			add("not restricted: %s", reason)
		}
	}
	if len(others.InitContainers) < len(pod.Spec.InitContainers) {
		if reason := j.refuses(api.LevelBaseline, pod, &pod.Spec); reason != "" {
			add("not baseline: %s", reason)
		}
		if j.refuses(api.LevelRestricted, pod, &pod.Spec) == "" {
			add("restricted, although a task needs more")
		}
	}
	if token := pod.Spec.AutomountServiceAccountToken; !pod.Fragment && (token == nil || *token) {
		add("automountServiceAccountToken is not false")
	}
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		for _, fault := range j.containerFaults(&c) {
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

func (j Judge) containerFaults(c *corev1.Container) []string {
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
	must, may := j.needs.capabilities(c)
	added := slices.DeleteFunc(slices.Sorted(slices.Values(s.Capabilities.Add)), func(name corev1.Capability) bool { return slices.Contains(may, name) })
	if slices.Sort(must); !slices.Equal(added, must) {
		add("capabilities %v are added, want %v", added, must)
	}
	return faults
}
