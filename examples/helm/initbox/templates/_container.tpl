{{/*
initbox.container renders one init container from (list TASK (list $ OPTIONS) [SECURITY-CONTEXT]), where SECURITY-CONTEXT
replaces what the task cannot leave at the default. toYaml writes the container, so that no value can break out of its
place.
*/}}
{{- define "initbox.container" -}}
{{- $task := index . 0 -}}
{{- $call := index . 1 -}}
{{- include "initbox.checkCall" (list $task $call) -}}
{{- $root := index $call 0 -}}
{{- $o := index $call 1 -}}
{{- include "initbox.checkOptions" (list $task $o) -}}
{{- $defaults := $root.Values.initbox -}}
{{- $security := deepCopy $defaults.securityContext -}}
{{- if gt (len .) 2 }}{{ $security = mergeOverwrite $security (index . 2) }}{{ end -}}
{{- $security = mergeOverwrite $security (deepCopy ($o.securityContext | default dict)) -}}
{{- $c := dict
      "image" (include "initbox.image" $defaults.image)
      "imagePullPolicy" $defaults.image.pullPolicy
      "args" (include "initbox.args" (list $task $o) | fromJsonArray)
      "securityContext" $security
      "resources" ($o.resources | default $defaults.resources)
      "terminationMessagePolicy" "FallbackToLogsOnError" -}}
{{- with concat $defaults.env ($o.env | default list) }}{{ $_ := set $c "env" . }}{{ end -}}
{{- with $o.envFrom }}{{ $_ := set $c "envFrom" . }}{{ end -}}
{{- with $o.volumeMounts }}{{ $_ := set $c "volumeMounts" . }}{{ end -}}
- {{ toYaml (dict "name" ($o.name | default $task)) }}
{{ toYaml $c | indent 2 }}
{{- end }}

{{- define "initbox.image" -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ required "initbox: .Values.initbox.image needs a tag or a digest" .tag }}
{{- end -}}
{{- end }}
