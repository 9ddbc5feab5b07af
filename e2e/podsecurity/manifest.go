package podsecurity

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
	sigsyaml "sigs.k8s.io/yaml"
)

// A Pod is a pod that a manifest would create.
type Pod struct {
	Where    string // the file and the object in it
	Meta     metav1.ObjectMeta
	Spec     corev1.PodSpec
	Fragment bool // containers for somebody else's pod
}

// documents returns the YAML documents of a file, without those that hold only comments.
func documents(text []byte) ([][]byte, error) {
	reader := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	var list [][]byte
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		var content any
		if err := sigsyaml.UnmarshalStrict(document, &content); err != nil {
			return nil, err
		}
		if content != nil {
			list = append(list, document)
		}
	}
}

// manifests returns the pods of a file of manifests. A kind that is not known here is
// an error, so that no pod is overlooked.
func manifests(where string, text []byte) ([]Pod, error) {
	list, err := documents(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s: nothing is in it", where)
	}
	var pods []Pod
	for _, document := range list {
		found, err := manifest(document)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		for _, pod := range found {
			pod.Where = where + ": " + pod.Where
			pods = append(pods, pod)
		}
	}
	return pods, nil
}

// withoutPods are kinds that client-go does not know.
var withoutPods = []metav1.TypeMeta{{APIVersion: "argoproj.io/v1alpha1", Kind: "Application"}}

func manifest(document []byte) ([]Pod, error) {
	var kind metav1.TypeMeta
	if err := sigsyaml.Unmarshal(document, &kind); err != nil {
		return nil, err
	}
	if kind.Kind == "" || kind.APIVersion == "" {
		return nil, fmt.Errorf("not a manifest, and not of any other sort that is known")
	}
	if slices.Contains(withoutPods, kind) {
		return nil, nil
	}
	object, _, err := scheme.Codecs.UniversalDeserializer().Decode(document, nil, nil)
	if err != nil {
		return nil, err
	}
	template := func(name string, t corev1.PodTemplateSpec) ([]Pod, error) {
		return []Pod{{Where: kind.Kind + " " + name, Meta: t.ObjectMeta, Spec: t.Spec}}, nil
	}
	switch o := object.(type) {
	case *corev1.Pod:
		return template(o.Name, corev1.PodTemplateSpec{ObjectMeta: o.ObjectMeta, Spec: o.Spec})
	case *appsv1.Deployment:
		return template(o.Name, o.Spec.Template)
	case *appsv1.StatefulSet:
		return template(o.Name, o.Spec.Template)
	case *appsv1.DaemonSet:
		return template(o.Name, o.Spec.Template)
	case *batchv1.Job:
		return template(o.Name, o.Spec.Template)
	case *batchv1.CronJob:
		return template(o.Name, o.Spec.JobTemplate.Spec.Template)
	case *corev1.ConfigMap, *corev1.Secret, *corev1.Service, *corev1.PersistentVolumeClaim:
		return nil, nil
	}
	return nil, fmt.Errorf("it is not known whether the kind %s %s makes pods", kind.APIVersion, kind.Kind)
}
