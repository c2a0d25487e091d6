{{/*
nats.conf. Its $NAMES are environment variables of the container, whose values the server reads as
configuration: that is why crossdock.natsServerEnv puts quotes round them.
*/}}
{{- define "crossdock.natsConf" -}}
server_name: $NATS_SERVER_NAME
host: "0.0.0.0"
port: 4222
http: "0.0.0.0:8222"
pid_file: "/var/run/nats/nats.pid"
max_payload: {{ .Values.nats.maxPayload }}
lame_duck_grace_period: "5s"
lame_duck_duration: "30s"

jetstream {
  store_dir: "/data"
  max_memory_store: 64MB
  max_file_store: {{ .Values.nats.jetstream.maxFileStore }}
  # How long an acknowledged message may wait for its fsync.
  sync_interval: {{ .Values.nats.jetstream.syncInterval }}
}

authorization {
  users: [{user: $NATS_USERNAME_QUOTED, password: $NATS_PASSWORD_QUOTED}]
}
{{- if gt (int .Values.nats.replicas) 1 }}

cluster {
  name: {{ include "crossdock.fullname" . | quote }}
  host: "0.0.0.0"
  port: 6222
  no_advertise: true
  authorization {user: route, password: $NATS_ROUTE_PASSWORD_QUOTED, timeout: 5}
  routes: $NATS_ROUTES
}
{{- end }}
{{- end -}}

{{- define "crossdock.natsServerEnv" -}}
{{- $secret := include "crossdock.natsSecret" . }}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
{{- range list "username" "password" "route-password" }}
- name: NATS_{{ . | upper | replace "-" "_" }}
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: {{ . }}}}
{{- end }}
- {name: NATS_SERVER_NAME, value: '"$(POD_NAME)"'}
- {name: NATS_USERNAME_QUOTED, value: '"$(NATS_USERNAME)"'}
- {name: NATS_PASSWORD_QUOTED, value: '"$(NATS_PASSWORD)"'}
- {name: NATS_ROUTE_PASSWORD_QUOTED, value: '"$(NATS_ROUTE_PASSWORD)"'}
- name: NATS_ROUTES
  value: {{ include "crossdock.natsRoutes" . | squote }}
- {name: GOMEMLIMIT, value: {{ .Values.nats.goMemLimit | quote }}}
{{- end -}}
