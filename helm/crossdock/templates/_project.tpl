{{- define "crossdock.projectCheck" -}}
{{- $given := list -}}
{{- if .Values.project.live -}}{{- $given = append $given "project.live" -}}{{- end -}}
{{- if .Values.project.files -}}{{- $given = append $given "project.files" -}}{{- end -}}
{{- if .Values.project.configMap.name -}}{{- $given = append $given "project.configMap.name" -}}{{- end -}}
{{- if .Values.project.existingClaim -}}{{- $given = append $given "project.existingClaim" -}}{{- end -}}
{{- if gt (len $given) 1 -}}
{{- fail (printf "the project can come from one place only, but these are set: %s" (join ", " $given)) -}}
{{- end -}}
{{- $keys := dict -}}
{{- range $path, $_ := .Values.project.files -}}
{{- $key := include "crossdock.projectKey" $path -}}
{{- with get $keys $key -}}
{{- fail (printf "project.files: %s and %s would be one key of the ConfigMap: rename one" . $path) -}}
{{- end -}}
{{- $_ := set $keys $key $path -}}
{{- end -}}
{{- if and .Values.project.configMap.name (not .Values.project.configMap.items) -}}
{{- fail "project.configMap.items is empty: list each key with its path in the project folder" -}}
{{- end -}}
{{- end -}}

{{/* Key of a ConfigMap for a path; the volume's items give the path back. */}}
{{- define "crossdock.projectKey" -}}{{- . | replace "/" "__" -}}{{- end -}}

{{- define "crossdock.projectVolume" -}}
{{- if .Values.project.files -}}
- name: project
  configMap:
    name: {{ include "crossdock.name" (dict "root" . "component" "project") }}
    items:
      {{- range $path, $_ := .Values.project.files }}
      - {key: {{ include "crossdock.projectKey" $path | quote }}, path: {{ $path | quote }}}
      {{- end }}
{{- else if .Values.project.configMap.name -}}
- name: project
  configMap:
    name: {{ .Values.project.configMap.name }}
    items: {{- toYaml .Values.project.configMap.items | nindent 6 }}
{{- else if .Values.project.existingClaim -}}
- name: project
  persistentVolumeClaim: {claimName: {{ .Values.project.existingClaim }}, readOnly: true}
{{- end -}}
{{- end -}}
