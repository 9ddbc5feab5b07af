{{/*
One template for each task: (list $ OPTIONS) in, one element of initContainers out. README.md says what OPTIONS has.
A new task needs one line here.
*/}}

{{- define "initbox.waitTcp" -}}{{ include "initbox.container" (list "wait-tcp" .) }}{{- end }}
{{- define "initbox.waitHttp" -}}{{ include "initbox.container" (list "wait-http" .) }}{{- end }}
{{- define "initbox.waitDb" -}}{{ include "initbox.container" (list "wait-db" .) }}{{- end }}
{{- define "initbox.copyConfig" -}}{{ include "initbox.container" (list "copy-config" .) }}{{- end }}
{{- define "initbox.migrate" -}}{{ include "initbox.container" (list "migrate" .) }}{{- end }}
{{- define "initbox.verifyCert" -}}{{ include "initbox.container" (list "verify-cert" .) }}{{- end }}
{{- define "initbox.run" -}}{{ include "initbox.container" (list "run" .) }}{{- end }}

{{/* The one task that needs root and capabilities: Pod Security baseline, not restricted. */}}
{{- define "initbox.chown" -}}{{ include "initbox.container" (list "chown" . (include "initbox.chownSecurityContext" . | fromYaml)) }}{{- end }}

{{- define "initbox.chownSecurityContext" -}}
runAsUser: 0
runAsNonRoot: false
capabilities:
  add: [CHOWN, DAC_OVERRIDE]
{{- end }}
