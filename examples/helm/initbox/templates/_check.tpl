{{/* Rendering the chart reports mistakes under the name that its author gave the thing. */}}

{{- define "initbox.checkCall" -}}
{{- $task := index . 0 -}}
{{- $call := index . 1 -}}
{{- if not (and (kindIs "slice" $call) (eq (len $call) 2)) -}}
{{- fail (printf "initbox %s: call it with a list of the root context and a map: (list $ (dict \"args\" ...)); it got a %s" $task (kindOf $call)) -}}
{{- end -}}
{{- $root := index $call 0 -}}
{{- if not (and (kindIs "map" $root) (hasKey $root "Values")) -}}
{{- fail (printf "initbox %s: the first element of the list must be the root context, $" $task) -}}
{{- end -}}
{{- if not $root.Values.initbox -}}
{{- fail (printf "initbox %s: there is no .Values.initbox: the library chart must be a dependency under its name, without alias" $task) -}}
{{- end -}}
{{- end }}

{{- define "initbox.checkOptions" -}}
{{- $task := index . 0 -}}
{{- $o := index . 1 -}}
{{- $where := printf "initbox %s" $task -}}
{{- $keys := list "name" "args" "flags" "env" "envFrom" "volumeMounts" "resources" "securityContext" -}}
{{- if eq $task "run" }}{{ $keys = append $keys "steps" }}{{ end -}}
{{- include "initbox.checkKeys" (list $where $o $keys) -}}
{{- if hasKey $o "name" -}}
{{- if not (and (kindIs "string" $o.name) (regexMatch "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$" $o.name)) -}}
{{- fail (printf "%s: name is %s: a container's name has small letters, digits and dashes, at most 63" $where (toJson $o.name)) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* (list WHERE MAP KEYS): MAP has no other keys than KEYS, and what must be a list or a map is one. */}}
{{- define "initbox.checkKeys" -}}
{{- $where := index . 0 -}}
{{- $map := index . 1 -}}
{{- $keys := index . 2 -}}
{{- if not (kindIs "map" $map) }}{{ fail (printf "%s: expected a map with any of %s, got %s" $where (join ", " $keys) (toJson $map)) }}{{ end -}}
{{- range $key, $value := $map -}}
{{- if not (has $key $keys) }}{{ fail (printf "%s: there is no %q; what there is: %s" $where $key (join ", " $keys)) }}{{ end -}}
{{- if and (has $key (list "flags" "resources" "securityContext")) (not (kindIs "map" $value)) -}}
{{- fail (printf "%s: %s must be a map, as in {timeout: 2m}, and is %s" $where $key (toJson $value)) -}}
{{- end -}}
{{- if and (has $key (list "args" "env" "envFrom" "volumeMounts" "steps")) (not (kindIs "slice" $value)) -}}
{{- fail (printf "%s: %s must be a list, and is %s" $where $key (toJson $value)) -}}
{{- end -}}
{{- end -}}
{{- end }}
