{{- define "shop.name" -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- end }}

{{/* The labels that select the pods of one part: (list $ PART). */}}
{{- define "shop.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ $root.Chart.Name }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "shop.labels" -}}
{{- $root := index . 0 -}}
{{ include "shop.selector" . }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ $root.Chart.Name }}-{{ $root.Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "shop.databaseHost" -}}
{{ .Values.database.host | default (printf "%s-postgres" (include "shop.name" .)) }}
{{- end }}

{{- define "shop.databaseSecret" -}}
{{ .Values.database.existingSecret | default (printf "%s-database" (include "shop.name" .)) }}
{{- end }}

{{/* The flags that tell wait-db and migrate where the database is. */}}
{{- define "shop.databaseFlags" -}}
db-driver: postgres
db-host: {{ include "shop.databaseHost" . | quote }}
db-port: {{ .Values.database.port }}
db-name: {{ .Values.database.name | quote }}
db-user: {{ .Values.database.user | quote }}
db-password-file: /secrets/password
{{- end }}

{{/* The securityContext of every container that is not of initbox, with the user that it runs as. */}}
{{- define "shop.securityContext" -}}
runAsNonRoot: true
runAsUser: {{ . }}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end }}
