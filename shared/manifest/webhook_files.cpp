// SPDX-License-Identifier: Apache-2.0
#include "shared/manifest/webhook_files.hpp"

#include <string_view>

#include "shared/manifest/webhook_objects.hpp"
#include "shared/manifest/yaml_writer.hpp"

namespace kredis::manifest {
namespace {

constexpr std::string_view k_head =
    "# Printed from shared/manifest/webhook_objects.cpp: change it there, then run\n"
    "#   KREDIS_UPDATE_GOLDEN=1 build/bin/unit_manifest -tc='the files of deploy*'\n";

std::string yaml_of(const WebhookSpec& spec) { return to_yaml(webhook_objects(spec)); }

/// A number stands where the chart has a value that is no text.
constexpr int k_replicas_mark = 987'654'321;

void replace_all(std::string& text, const std::string& what, const std::string& with) {
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
}

std::string chart_yaml_of(const std::string& version, Certificates certificates) {
  std::string text = yaml_of(
      {.version = version,
       .image =
           "{{ .Values.image | default (printf `kubectl-redis-webhook:%s` .Chart.AppVersion) }}",
       .namespace_ = "{{ .Values.namespace }}",
       .replicas = k_replicas_mark,
       .validate_failure = "{{ .Values.validate.failurePolicy }}",
       .default_level = "{{ .Values.defaultLevel }}",
       .certificates = certificates});
  replace_all(text, std::to_string(k_replicas_mark), "{{ .Values.replicas }}");
  return text;
}

std::string chart_template(const std::string& version) {
  return std::string(k_head) + "{{- if .Values.certManager.enabled }}\n---\n" +
         chart_yaml_of(version, Certificates::cert_manager) + "{{- else }}\n---\n" +
         chart_yaml_of(version, Certificates::own) + "{{- end }}\n";
}

std::string chart_head(const std::string& version) {
  return "# Printed from shared/manifest/webhook_files.cpp.\n"
         "apiVersion: v2\n"
         "name: kubectl-redis-webhook\n"
         "description: Keeps what is applied to Redis Clusters sound.\n"
         "type: application\n"
         "version: " +
         version + "\nappVersion: \"" + version + "\"\nkubeVersion: \">=1.28.0-0\"\n";
}

}  // namespace

std::map<std::string, std::string> webhook_files(const std::string& version) {
  const WebhookSpec own{.version = version};
  const WebhookSpec cert_manager{.version = version, .certificates = Certificates::cert_manager};
  return {{"kustomize/base/webhook.yaml", std::string(k_head) + yaml_of(own)},
          {"kustomize/cert-manager/webhook.yaml", std::string(k_head) + yaml_of(cert_manager)},
          {"chart/Chart.yaml", chart_head(version)},
          {"chart/templates/webhook.yaml", chart_template(version)}};
}

}  // namespace kredis::manifest
