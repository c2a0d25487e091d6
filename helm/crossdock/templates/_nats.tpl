{{/* Secret with the keys username and password; empty when an external NATS needs none. */}}
{{- define "crossdock.natsSecret" -}}
{{- if .Values.nats.external.url -}}
{{- .Values.nats.external.existingSecret -}}
{{- else -}}
{{- .Values.nats.existingSecret | default (include "crossdock.name" (dict "root" . "component" "nats")) -}}
{{- end -}}
{{- end -}}

{{/* The credentials reach the URL when the container starts, so no manifest and no argv has them. */}}
{{- define "crossdock.natsEnv" -}}
{{- $url := .Values.nats.external.url | default (printf "nats://%s:4222" (include "crossdock.name" (dict "root" . "component" "nats"))) -}}
{{- with include "crossdock.natsSecret" . }}
- name: NATS_USERNAME
  valueFrom: {secretKeyRef: {name: {{ . }}, key: username}}
- name: NATS_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ . }}, key: password}}
{{- $url = $url | replace "://" "://$(NATS_USERNAME):$(NATS_PASSWORD)@" }}
{{- end }}
- name: CROSSDOCK_NATS
  value: {{ $url | quote }}
{{- end -}}

{{- define "crossdock.natsRoutes" -}}
{{- $name := include "crossdock.name" (dict "root" . "component" "nats") -}}
{{- $routes := list -}}
{{- range $i := until (int .Values.nats.replicas) -}}
{{- $routes = append $routes (printf "nats-route://route:$(NATS_ROUTE_PASSWORD)@%s-%d.%s-headless:6222" $name $i $name) -}}
{{- end -}}
{{- $routes | toJson -}}
{{- end -}}
