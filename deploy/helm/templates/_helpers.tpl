{{- define "flowmatix.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "flowmatix.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 55 | trimSuffix "-" }}
{{- else if contains (include "flowmatix.name" .) .Release.Name }}
{{- .Release.Name | trunc 55 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "flowmatix.name" .) | trunc 55 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "flowmatix.selector" -}}
app.kubernetes.io/name: {{ include "flowmatix.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "flowmatix.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{ include "flowmatix.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "flowmatix.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ default (include "flowmatix.fullname" .) .Values.serviceAccount.name }}{{ else }}{{ default "default" .Values.serviceAccount.name }}{{ end }}
{{- end }}

{{- /* What makes no sense together is refused with the reason. */ -}}
{{- define "flowmatix.check" -}}
{{- if and (gt (int .Values.replicas) 1) (not .Values.cluster.url) (not .Values.budget.divided) }}
{{- fail "replicas: more than one replica without cluster.url spends the plan once each. Set cluster.url (Valkey or Redis 7), or divide budget.callsPerHour by the number of replicas and say so with budget.divided=true." }}
{{- end }}
{{- if and .Values.cluster.url (not .Values.cluster.keysSecret.name) (not .Values.cluster.plaintext) }}
{{- fail "cluster.keysSecret.name: rosters hold personal data, so records are sealed with the keys of a secret (`flowmatix-graphql keys cluster` makes the file). cluster.plaintext=true keeps them in the clear." }}
{{- end }}
{{- if and (ne .Values.auth.mode "passthrough") (not .Values.auth.credentialSecret.name) }}
{{- fail "auth.credentialSecret.name: every mode but passthrough needs the secret with the Flowmatix access token." }}
{{- end }}
{{- if and (eq .Values.auth.mode "api-keys") (not .Values.auth.keysSecret.name) }}
{{- fail "auth.keysSecret.name: mode api-keys needs the secret with the file of API keys." }}
{{- end }}
{{- if and .Values.ingress.enabled .Values.httpRoute.enabled }}
{{- fail "ingress.enabled and httpRoute.enabled: choose one of them." }}
{{- end }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.gateway) }}
{{- fail "httpRoute.gateway: a route needs its Gateway." }}
{{- end }}
{{- end }}
