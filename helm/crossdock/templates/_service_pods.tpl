{{/*
Deployment of a Crossdock service.
Call with (dict "root" $ "component" NAME "options" VALUES "args" LIST "port" (dict "name" N "number" N)
"labels" DICT "drain" SECONDS). `drain` keeps a pod serving until load balancers have forgotten it.
*/}}
{{- define "crossdock.deployment" -}}
{{- $root := .root -}}
{{- $options := .options -}}
{{- $selector := include "crossdock.selector" . -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "crossdock.name" . }}
  labels: {{- include "crossdock.labels" . | nindent 4 }}
spec:
  {{- if not (dig "autoscaling" "enabled" false $options) }}
  replicas: {{ $options.replicas }}
  {{- end }}
  revisionHistoryLimit: 3
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxUnavailable: 0, maxSurge: 1}
  selector:
    matchLabels: {{- $selector | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "crossdock.labels" . | nindent 8 }}
        {{- with .labels }}{{ toYaml . | nindent 8 }}{{ end }}
      {{- with $options.podAnnotations }}
      annotations: {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      serviceAccountName: {{ include "crossdock.fullname" $root }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: 30
      securityContext: {{- include "crossdock.podSecurity" 10001 | nindent 8 }}
      {{- with $root.Values.imagePullSecrets }}
      imagePullSecrets: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $options.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      {{- with $options.nodeSelector }}
      nodeSelector: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $options.tolerations }}
      tolerations: {{- toYaml . | nindent 8 }}
      {{- end }}
      topologySpreadConstraints:
        {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
        - maxSkew: 1
          topologyKey: {{ . }}
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels: {{- $selector | nindent 14 }}
        {{- end }}
      containers:
        - name: {{ index .args 0 }}
          image: {{ include "crossdock.image" (dict "image" $root.Values.image "tag" $root.Chart.AppVersion) | quote }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          args:
            {{- toYaml .args | nindent 12 }}
            {{- with $root.Values.project.live }}
            - --live
            - {{ . | quote }}
            {{- end }}
          env: {{- include "crossdock.env" . | trim | nindent 12 }}
          {{- with $options.existingSecret }}
          envFrom:
            - secretRef: {name: {{ . }}}
          {{- end }}
          ports:
            - {name: {{ .port.name }}, containerPort: {{ .port.number }}}
          {{- include "crossdock.probes" .port.name | nindent 10 }}
          {{- if .drain }}
          lifecycle:
            preStop: {exec: {command: [sleep, {{ .drain | quote }}]}}
          {{- end }}
          resources: {{- toYaml $options.resources | nindent 12 }}
          securityContext: {{- include "crossdock.containerSecurity" . | nindent 12 }}
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
            {{- if include "crossdock.projectVolume" $root }}
            - {name: project, mountPath: /project, readOnly: true}
            {{- end }}
            {{- with $options.extraVolumeMounts }}{{ toYaml . | nindent 12 }}{{ end }}
      volumes:
        - name: tmp
          emptyDir: {sizeLimit: 256Mi}
        {{- with include "crossdock.projectVolume" $root }}{{ . | nindent 8 }}{{ end }}
        {{- with $options.extraVolumes }}{{ toYaml . | nindent 8 }}{{ end }}
{{- end -}}

{{- define "crossdock.probes" -}}
startupProbe:
  httpGet: {path: /livez, port: {{ . }}}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /livez, port: {{ . }}}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /readyz, port: {{ . }}}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 2
{{- end -}}

{{- define "crossdock.env" -}}
{{- include "crossdock.natsEnv" .root }}
{{- with .root.Values.telemetry }}
{{- if .otlpEndpoint }}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: POD_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ .otlpEndpoint | quote }}
- name: OTEL_RESOURCE_ATTRIBUTES
  value: k8s.namespace.name=$(POD_NAMESPACE),k8s.pod.name=$(POD_NAME)
{{- with .existingSecret }}
- name: OTEL_EXPORTER_OTLP_HEADERS
  valueFrom: {secretKeyRef: {name: {{ . }}, key: headers}}
{{- end }}
{{- end }}
{{- end }}
{{- with .options.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}
