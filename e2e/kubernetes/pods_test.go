package kubernetes

import (
	"context"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/initbox/initbox/e2e/debimage"
	"github.com/initbox/initbox/e2e/image"
	"github.com/initbox/initbox/e2e/internal/restricted"
	"github.com/initbox/initbox/e2e/kube"
)

// task returns a container that runs a task of initbox, as restricted as in the examples.
func task(name string, args ...string) corev1.Container {
	c := restricted.Container(name, image.Name)
	c.Args = args
	return c
}

// shell returns a container that runs a script of busybox.
func shell(name, script string) corev1.Container {
	c := restricted.Container(name, debimage.BusyBox)
	c.Command = []string{"sh", "-euc", script}
	return c
}

// stay keeps a script's container running until a signal ends it.
const stay = "\ntrap 'exit 0' TERM; sleep 3600 & wait"

// asUser runs the container as a user other than that of the image.
func asUser(c corev1.Container, user int64) corev1.Container {
	c.SecurityContext.RunAsUser = &user
	c.SecurityContext.RunAsNonRoot = new(user != 0)
	return c
}

// asRoot gives the container what the baseline level allows, of which chown needs two.
func asRoot(c corev1.Container) corev1.Container {
	c = asUser(c, 0)
	c.SecurityContext.Capabilities.Add = []corev1.Capability{"CHOWN", "DAC_OVERRIDE"}
	return c
}

// slow gives the container so little CPU that short work takes seconds.
func slow(c corev1.Container) corev1.Container {
	c.Resources.Limits[corev1.ResourceCPU] = resource.MustParse("40m")
	return c
}

// sidecar makes an init container a native sidecar.
func sidecar(c corev1.Container) corev1.Container {
	c.RestartPolicy = new(corev1.ContainerRestartPolicyAlways)
	return c
}

// preparedPod returns a pod whose main container is the last of containers; the others
// are its init containers. Each container mounts every volume at /NAME.
func preparedPod(name string, volumes []corev1.Volume, containers ...corev1.Container) *corev1.Pod {
	for i := range containers {
		for _, v := range volumes {
			containers[i].VolumeMounts = append(containers[i].VolumeMounts, corev1.VolumeMount{Name: v.Name, MountPath: "/" + v.Name})
		}
	}
	last := len(containers) - 1
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": name}},
		Spec: corev1.PodSpec{
			AutomountServiceAccountToken:  new(false),
			RestartPolicy:                 corev1.RestartPolicyNever,
			TerminationGracePeriodSeconds: new(int64(1)),
			InitContainers:                containers[:last:last], Containers: containers[last:],
			Volumes: volumes,
		},
	}
}

// deployment returns a Deployment of the pod.
func deployment(pod *corev1.Pod, replicas int32) *appsv1.Deployment {
	pod.Spec.RestartPolicy = corev1.RestartPolicyAlways
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: pod.Name},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: pod.Labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: pod.Labels}, Spec: pod.Spec},
		},
	}
}

func configMapVolume(name string) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: name},
	}}}
}

func secretVolume(name string) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: name}}}
}

func emptyVolume(name string) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}
}

func claimVolume(name string) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: name},
	}}
}

func startPod(t *testing.T, ns *kube.Namespace, pod *corev1.Pod) {
	t.Helper()
	if _, err := ns.CoreV1().Pods(ns.Name).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatalf("pod %s: %v", pod.Name, err)
	}
}

// removePod deletes the pod and returns when it is gone.
func removePod(t *testing.T, ns *kube.Namespace, name string) {
	t.Helper()
	if out, err := ns.Kubectl(t, "", "delete", "pod", "-n", ns.Name, name, "--wait", "--timeout=2m"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// setConfigMap creates the ConfigMap, or replaces its content.
func setConfigMap(t *testing.T, ns *kube.Namespace, name string, data map[string]string) {
	t.Helper()
	m := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: data}
	maps := ns.CoreV1().ConfigMaps(ns.Name)
	put(t, m, maps.Create, maps.Update)
}

// setSecret creates the Secret, or replaces its content.
func setSecret(t *testing.T, ns *kube.Namespace, name string, data map[string]string) {
	t.Helper()
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, StringData: data}
	secrets := ns.CoreV1().Secrets(ns.Name)
	put(t, s, secrets.Create, secrets.Update)
}

func put[T any](t *testing.T, object T,
	create func(context.Context, T, metav1.CreateOptions) (T, error), update func(context.Context, T, metav1.UpdateOptions) (T, error)) {
	t.Helper()
	_, err := create(t.Context(), object, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		_, err = update(t.Context(), object, metav1.UpdateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// setClaim asks for a volume of the default StorageClass.
func setClaim(t *testing.T, ns *kube.Namespace, name string) {
	t.Helper()
	_, err := ns.CoreV1().PersistentVolumeClaims(ns.Name).Create(t.Context(), &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// startWeb starts a web server behind the Service web. It serves the files of the
// ConfigMap web.
func startWeb(t *testing.T, ns *kube.Namespace, files map[string]string) {
	t.Helper()
	setConfigMap(t, ns, "web", files)
	startPod(t, ns, preparedPod("web", []corev1.Volume{configMapVolume("web")}, shell("web", "exec httpd -f -p 8080 -h /web")))
}

// setWebService creates the Service web, so that its name resolves before there is a server.
func setWebService(t *testing.T, ns *kube.Namespace) {
	t.Helper()
	_, err := ns.CoreV1().Services(ns.Name).Create(t.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: corev1.ServiceSpec{
			Selector: map[string]string{"app": "web"},
			Ports:    []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(8080)}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// wantTexts fails for each text of want that text lacks.
func wantTexts(t *testing.T, what, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%s lacks %q:\n%s", what, w, text)
		}
	}
}

// lineOf returns the first line of text that begins with prefix.
func lineOf(text, prefix string) string {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, prefix) {
			return line
		}
	}
	return ""
}
