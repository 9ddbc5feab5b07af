package podstart

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"

	"github.com/initbox/initbox/e2e/debimage"
	"github.com/initbox/initbox/e2e/image"
	"github.com/initbox/initbox/e2e/internal/restricted"
)

// A step is done by initbox or by a line of shell.
type step struct {
	name  string
	task  []string
	plan  string
	shell string
}

var steps = []step{
	{"port-1", []string{"wait-tcp", "one:80"}, "wait-tcp: one:80", "until nc -w 1 one 80 </dev/null >/dev/null; do sleep 1; done"},
	{"port-2", []string{"wait-tcp", "two:80"}, "wait-tcp: two:80", "until nc -w 1 two 80 </dev/null >/dev/null; do sleep 1; done"},
	{"http-1", []string{"wait-http", "http://one/"}, "wait-http: http://one/", "until wget -q -O /dev/null http://one/; do sleep 1; done"},
	{"http-2", []string{"wait-http", "http://two/"}, "wait-http: http://two/", "until wget -q -O /dev/null http://two/; do sleep 1; done"},
	{"copy-1", []string{"copy-config", "/config", "/work/one/"}, "copy-config: [/config, /work/one/]", "mkdir -p /work/one && cp -L /config/* /work/one"},
	{"copy-2", []string{"copy-config", "/config", "/work/two/"}, "copy-config: [/config, /work/two/]", "mkdir -p /work/two && cp -L /config/* /work/two"},
}

func plan() string {
	text := "steps:\n"
	for _, s := range steps {
		text += "- " + s.plan + "\n"
	}
	return text
}

// prepare creates a web server with two names, and the ConfigMap. It returns when the
// server answers, so that no step has to wait.
func prepare(ctx context.Context, client kubernetes.Interface, namespace string) error {
	core := client.CoreV1()
	config := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "config"},
		Data:       map[string]string{"index.html": "ready\n", "plan.yaml": plan()},
	}
	if _, err := core.ConfigMaps(namespace).Create(ctx, config, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	for _, name := range []string{"one", "two"} {
		_, err := core.Services(namespace).Create(ctx, &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec: corev1.ServiceSpec{
				Selector: map[string]string{"app": "server"},
				Ports:    []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(8080)}},
			},
		}, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	server := pod("server", nil, container("server", debimage.BusyBox, []string{"httpd", "-f", "-p", "8080", "-h", "/config"}, nil))
	server.GenerateName, server.Name, server.Labels = "", "server", map[string]string{"app": "server"}
	if _, err := core.Pods(namespace).Create(ctx, server, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	// The first pod shows whether everything works, and is not counted.
	_, err := start(ctx, core.Pods(namespace), OneRun.pod())
	return err
}

// pod returns the pod that is measured.
func (w Way) pod() *corev1.Pod {
	var init []corev1.Container
	switch w {
	case OneRun:
		init = []corev1.Container{container("prepare", image.Name, nil, []string{"run", "-f", "/config/plan.yaml"})}
	case SixTasks:
		for _, s := range steps {
			init = append(init, container(s.name, image.Name, nil, s.task))
		}
	case SixShell:
		for _, s := range steps {
			init = append(init, container(s.name, debimage.BusyBox, []string{"sh", "-c", s.shell}, nil))
		}
	default:
		panic(fmt.Sprintf("no such way: %q", w))
	}
	return pod("start", init, container("app", debimage.BusyBox, []string{"echo", "started"}, nil))
}

func pod(name string, init []corev1.Container, main corev1.Container) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: name + "-"},
		Spec: corev1.PodSpec{
			AutomountServiceAccountToken:  new(false),
			RestartPolicy:                 corev1.RestartPolicyNever,
			TerminationGracePeriodSeconds: new(int64(1)),
			InitContainers:                init,
			Containers:                    []corev1.Container{main},
			Volumes: []corev1.Volume{
				{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
					LocalObjectReference: corev1.LocalObjectReference{Name: "config"},
				}}},
				{Name: "work", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
			},
		},
	}
}

func container(name, from string, command, args []string) corev1.Container {
	c := restricted.Container(name, from)
	c.Command, c.Args = command, args
	c.VolumeMounts = []corev1.VolumeMount{
		{Name: "config", MountPath: "/config", ReadOnly: true},
		{Name: "work", MountPath: "/work"},
	}
	return c
}
