package podsecurity

import (
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"
)

// snippet returns the pods of values for other people's charts: their containers, and
// the pods of whole objects.
func snippet(where string, text []byte) ([]Pod, error) {
	var values any
	if err := yaml.UnmarshalStrict(text, &values); err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	pods, err := snippetValue(where, "", values)
	if err == nil && len(pods) == 0 {
		err = fmt.Errorf("%s: no containers are in it", where)
	}
	return pods, err
}

func snippetValue(where, key string, value any) ([]Pod, error) {
	if strings.HasSuffix(strings.ToLower(key), "containers") {
		return fragment(where+": "+key, value)
	}
	var pods []Pod
	each := func(where, key string, value any) error {
		found, err := snippetValue(where, key, value)
		pods = append(pods, found...)
		return err
	}
	switch v := value.(type) {
	case map[string]any:
		if v["apiVersion"] != nil && v["kind"] != nil {
			text, err := yaml.Marshal(v)
			if err != nil {
				return nil, err
			}
			return manifests(where, text)
		}
		for key, value := range v {
			if err := each(where, key, value); err != nil {
				return nil, err
			}
		}
	case []any:
		for _, value := range v {
			if err := each(where, "", value); err != nil {
				return nil, err
			}
		}
	}
	return pods, nil
}

// fragment reads a list of containers, which some charts take as text.
func fragment(where string, list any) ([]Pod, error) {
	text, ok := list.(string)
	if !ok {
		b, err := yaml.Marshal(list)
		if err != nil {
			return nil, err
		}
		text = string(b)
	}
	pod := Pod{Where: where, Fragment: true}
	if err := yaml.UnmarshalStrict([]byte(text), &pod.Spec.InitContainers); err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	if len(pod.Spec.InitContainers) == 0 {
		return nil, fmt.Errorf("%s: the list is empty", where)
	}
	return []Pod{pod}, nil
}
