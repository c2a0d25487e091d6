{{/* Pods of this release, as a selector. */}}
{{- define "crossdock.release" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "crossdock.dnsEgress" -}}
- ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
{{- end -}}

{{/* Port of a URL, with a fallback. Call with (dict "url" URL "port" NUMBER). */}}
{{- define "crossdock.portOf" -}}
{{- $host := (urlParse .url).host -}}
{{- regexFind ":[0-9]+$" $host | trimPrefix ":" | default (toString .port) -}}
{{- end -}}

{{/* What every Crossdock service may reach: names, NATS and, when set, the telemetry collector. */}}
{{- define "crossdock.serviceEgress" -}}
{{ include "crossdock.dnsEgress" . }}
{{- if .Values.nats.external.url }}
- ports:
    {{- range splitList "," .Values.nats.external.url }}
    - {port: {{ include "crossdock.portOf" (dict "url" . "port" 4222) }}, protocol: TCP}
    {{- end }}
{{- else }}
- ports:
    - {port: 4222, protocol: TCP}
  to:
    - podSelector:
        matchLabels: {{- include "crossdock.selector" (dict "root" . "component" "nats") | nindent 10 }}
{{- end }}
{{- with .Values.telemetry.otlpEndpoint }}
- ports:
    - {port: {{ include "crossdock.portOf" (dict "url" . "port" 4318) }}, protocol: TCP}
{{- end }}
{{- end -}}

{{/* Who may read metrics. */}}
{{- define "crossdock.monitoringPeers" -}}
- podSelector: {}
{{- with .Values.networkPolicy.monitoringFrom }}
{{ toYaml . }}
{{- end }}
{{- end -}}
