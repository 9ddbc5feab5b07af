{{/*
initbox.args renders (list TASK OPTIONS) as the JSON list of a container's args: the task, its flags in alphabetical
order, its positional arguments; then the steps of run, each after "--".
*/}}
{{- define "initbox.args" -}}
{{- $task := index . 0 -}}
{{- $o := index . 1 -}}
{{- $args := list $task -}}
{{- range $flag, $value := $o.flags | default dict -}}
{{- $where := printf "initbox %s: flags.%s" $task $flag -}}
{{- if not (regexMatch "^[a-z][a-z0-9-]*$" $flag) -}}
{{- fail (printf "%s: %q is not the name of a flag; write it without dashes in front, as in timeout: 2m" $where $flag) -}}
{{- end -}}
{{- if kindIs "slice" $value -}}
{{- range $i, $v := $value -}}
{{- $args = append $args (printf "--%s=%s" $flag (include "initbox.scalar" (list (printf "%s[%d]" $where $i) $v))) -}}
{{- end -}}
{{- else if not (kindIs "invalid" $value) -}}
{{- $args = append $args (printf "--%s=%s" $flag (include "initbox.scalar" (list $where $value))) -}}
{{- end -}}
{{- end -}}
{{- range $i, $v := $o.args | default list -}}
{{- $where := printf "initbox %s: args[%d]" $task $i -}}
{{- $arg := include "initbox.scalar" (list $where $v) -}}
{{- if hasPrefix "-" $arg }}{{ fail (printf "%s is %q: a flag belongs into flags, as in timeout: 2m" $where $arg) }}{{ end -}}
{{- $args = append $args $arg -}}
{{- end -}}
{{- range $i, $step := $o.steps | default list -}}
{{- $where := printf "initbox %s: steps[%d]" $task $i -}}
{{- include "initbox.checkKeys" (list $where $step (list "task" "flags" "args")) -}}
{{- if not (kindIs "string" $step.task) }}{{ fail (printf "%s.task must name a task, as in task: wait-tcp" $where) }}{{ end -}}
{{- $args = concat (append $args "--") (include "initbox.args" (list $step.task $step) | fromJsonArray) -}}
{{- end -}}
{{- toJson $args -}}
{{- end }}

{{/*
initbox.scalar renders (list WHERE VALUE) as the text of an argument. It uses toJson because Helm reads 1048576 as a
floating-point number, which would print as 1.048576e+06.
*/}}
{{- define "initbox.scalar" -}}
{{- $where := index . 0 -}}
{{- $value := index . 1 -}}
{{- if kindIs "string" $value -}}
{{- $value -}}
{{- else if has (kindOf $value) (list "bool" "int" "int64" "float64") -}}
{{- toJson $value -}}
{{- else -}}
{{- fail (printf "%s is a %s, not a text, number or boolean: %s" $where (ternary "null" (kindOf $value) (kindIs "invalid" $value)) (toJson $value)) -}}
{{- end -}}
{{- end }}
