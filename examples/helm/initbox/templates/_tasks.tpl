{{/*
Written by make update from the Specs of the tasks. Do not edit.

One template for each task: (list $ OPTIONS) in, one element of initContainers out. README.md says what OPTIONS has.
A task that needs more than the Pod Security level "restricted" allows adds what it needs.
*/}}

{{- define "initbox.waitTcp" -}}{{ include "initbox.container" (list "wait-tcp" .) }}{{- end }}
{{- define "initbox.waitHttp" -}}{{ include "initbox.container" (list "wait-http" .) }}{{- end }}
{{- define "initbox.copyConfig" -}}{{ include "initbox.container" (list "copy-config" .) }}{{- end }}
{{- define "initbox.chown" -}}{{ include "initbox.container" (list "chown" . (dict "runAsUser" 0 "runAsNonRoot" false "capabilities" (dict "add" (list "CHOWN" "DAC_OVERRIDE")))) }}{{- end }}
{{- define "initbox.waitDb" -}}{{ include "initbox.container" (list "wait-db" .) }}{{- end }}
{{- define "initbox.migrate" -}}{{ include "initbox.container" (list "migrate" .) }}{{- end }}
{{- define "initbox.verifyCert" -}}{{ include "initbox.container" (list "verify-cert" .) }}{{- end }}
{{- define "initbox.run" -}}{{ include "initbox.container" (list "run" .) }}{{- end }}
