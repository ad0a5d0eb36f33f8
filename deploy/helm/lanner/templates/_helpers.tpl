{{- define "lanner.selector" -}}
app.kubernetes.io/name: lanner
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "lanner.labels" -}}
{{ include "lanner.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}
{{- define "lanner.config" -}}
{{- $http := dict "listen" (printf "0.0.0.0:%d" (int .Values.http.port)) "insecure" true -}}
{{- if .Values.hostNetwork -}}
{{- $http = dict "listen" (printf "127.0.0.1:%d" (int .Values.http.port)) -}}
{{- end -}}
{{- $own := dict "version" 1 "state_dir" "/var/lib/lanner" "http" $http "exceptions_file" "exceptions.yaml" -}}
{{- toYaml (merge $own .Values.config) -}}
{{- end }}
{{- define "lanner.exceptions" -}}
{{- toYaml (dict "exceptions" .Values.exceptions) -}}
{{- end }}
{{- define "lanner.priorityClass" -}}
{{- if .Values.priorityClassName -}}
{{ .Values.priorityClassName }}
{{- else if .Values.priorityClass.create -}}
{{ .Release.Namespace }}-{{ .Release.Name }}
{{- end -}}
{{- end }}
