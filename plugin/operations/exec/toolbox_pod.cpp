// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/exec/toolbox_pod.hpp"

#include "shared/policy/launch.hpp"

namespace kredis::plugin {
namespace {

constexpr const char* k_tls_path = "/etc/redis-tls";
/// A pod that was left behind, as by a machine that lost its power, ends by itself.
constexpr int k_longest_life_seconds = 12 * 3600;
constexpr int k_group_may_read = 0440;
constexpr int k_redis_user = 999;  // In the official images of Redis and Valkey.

/// Waits for the signal to end; a shell does not hear it while it waits for a child in front.
constexpr const char* k_idle = "trap 'exit 0' TERM INT; sleep 43200 & wait";

/// A redis-cli before the real one on the PATH, so that scripts find it too. What is given to it
/// later wins over what it adds.
constexpr const char* k_setup = R"(mkdir -p /tmp/bin
cat >/tmp/bin/redis-cli <<'SCRIPT'
#!/bin/sh
PATH=${PATH#/tmp/bin:}
[ -z "${REDIS_USER:-}" ] || set -- --user "$REDIS_USER" "$@"
[ -z "${TLS_DIR:-}" ] ||
  set -- --tls --cacert "$TLS_DIR/ca.crt" --cert "$TLS_DIR/tls.crt" --key "$TLS_DIR/tls.key" "$@"
for program in redis-cli valkey-cli; do
  command -v "$program" >/dev/null && exec "$program" -h "$REDIS_HOST" -p "$REDIS_PORT" -c "$@"
done
echo "this image has neither redis-cli nor valkey-cli" >&2
exit 127
SCRIPT
chmod 755 /tmp/bin/redis-cli
cp /tmp/bin/redis-cli /tmp/bin/valkey-cli
PATH=/tmp/bin:$PATH
export PATH
cd /tmp || exit
)";

const Json* redis_container_of(const Json& workload) {
  const auto path = "/spec/template/spec"_json_pointer;
  if (!workload.contains(path) || workload.at(path).value("containers", Json::array()).empty()) {
    return nullptr;
  }
  const Json& pod = workload.at(path);
  return &pod.at("containers").at(policy::redis_container(pod));
}

Json environment(const ToolboxWish& wish) {
  Json list = Json::array({{{"name", "REDIS_HOST"}, {"value", wish.host}},
                           {{"name", "REDIS_PORT"}, {"value", std::to_string(wish.port)}},
                           {{"name", "TOOLBOX_SETUP"}, {"value", k_setup}},
                           {{"name", "HOME"}, {"value", "/tmp"}}});
  if (!wish.access.user.empty()) {
    list.push_back({{"name", "REDIS_USER"}, {"value", wish.access.user}});
  }
  if (!wish.access.tls_secret.empty() || !wish.access.certificates.ca.empty()) {
    list.push_back({{"name", "TLS_DIR"}, {"value", k_tls_path}});
  }
  if (!wish.access.auth_secret.empty()) {
    list.push_back(
        {{"name", "REDISCLI_AUTH"},
         {"valueFrom",
          {{"secretKeyRef",
            {{"name", wish.access.auth_secret},
             {"key", wish.access.auth_key.empty() ? "password" : wish.access.auth_key}}}}}});
  }
  return list;
}

/// One file of a projected volume. https://kubernetes.io/docs/concepts/storage/projected-volumes/
Json file_of(const observe::KeyIn& from, const char* path) {
  const Json file{{"key", from.key}, {"path", path}};
  return {{"secret", {{"name", from.object}, {"items", Json::array({file})}}}};
}

/// The certificates under the names of a TLS Secret's keys; null without TLS.
Json certificates_volume(const observe::RedisAccess& access) {
  if (!access.tls_secret.empty()) {
    return {{"name", "redis-tls"},
            {"secret", {{"secretName", access.tls_secret}, {"defaultMode", k_group_may_read}}}};
  }
  const observe::CertificateKeys& keys = access.certificates;
  if (keys.ca.empty()) {
    return nullptr;
  }
  Json sources = Json::array({file_of(keys.ca, "ca.crt")});
  if (!keys.certificate.empty() && !keys.key.empty()) {
    sources.push_back(file_of(keys.certificate, "tls.crt"));
    sources.push_back(file_of(keys.key, "tls.key"));
  }
  return {{"name", "redis-tls"},
          {"projected", {{"sources", sources}, {"defaultMode", k_group_may_read}}}};
}

void add_volumes(const ToolboxWish& wish, Json& container, Json& volumes) {
  container["volumeMounts"] = Json::array({{{"name", "tmp"}, {"mountPath", "/tmp"}}});
  volumes = Json::array({{{"name", "tmp"}, {"emptyDir", {{"sizeLimit", "256Mi"}}}}});
  if (const Json certificates = certificates_volume(wish.access); !certificates.is_null()) {
    container["volumeMounts"].push_back(
        {{"name", "redis-tls"}, {"mountPath", k_tls_path}, {"readOnly", true}});
    volumes.push_back(certificates);
  }
}

}  // namespace

std::string redis_image(const Json& workload) {
  const Json* container = redis_container_of(workload);
  return container == nullptr ? "" : container->value("image", "");
}

std::string redis_host(const observe::Located& located) {
  const std::string service = text_at(located.workload, "/spec/serviceName");
  if (!service.empty()) {
    return service;
  }
  const Json* container = redis_container_of(located.workload);
  const Json variables =
      container == nullptr ? Json::array() : container->value("env", Json::array());
  for (const Json& variable : variables) {
    if (variable.value("name", "") == "PEERS_SERVICE") {
      return variable.value("value", "");
    }
  }
  return {};
}

Json toolbox_pod(const observe::Located& located, const ToolboxWish& wish) {
  Json container = {{"name", "toolbox"},
                    {"image", wish.image.empty() ? redis_image(located.workload) : wish.image},
                    {"command", {"/bin/sh", "-c", k_idle}},
                    {"env", environment(wish)},
                    {"resources", {{"requests", {{"cpu", "10m"}, {"memory", "16Mi"}}}}},
                    {"securityContext",
                     {{"allowPrivilegeEscalation", false}, {"capabilities", {{"drop", {"ALL"}}}}}}};
  Json volumes;
  add_volumes(wish, container, volumes);
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata",
           {{"name", wish.pod},
            {"namespace", located.namespace_},
            {"labels",
             {{k_toolbox_label, wish.pod}, {"app.kubernetes.io/managed-by", "kubectl-redis"}}}}},
          {"spec",
           {{"restartPolicy", "Never"},
            {"activeDeadlineSeconds", k_longest_life_seconds},
            {"terminationGracePeriodSeconds", 1},
            {"enableServiceLinks", false},
            {"automountServiceAccountToken", false},
            {"securityContext",
             {{"runAsNonRoot", true},
              {"runAsUser", k_redis_user},
              {"runAsGroup", k_redis_user},
              {"fsGroup", k_redis_user},
              {"seccompProfile", {{"type", "RuntimeDefault"}}}}},
            {"containers", Json::array({container})},
            {"volumes", volumes}}}};
}

std::vector<std::string> toolbox_command(const std::vector<std::string>& command) {
  if (command.empty()) {
    return {"/bin/sh", "-c", "eval \"$TOOLBOX_SETUP\"; export PS1='toolbox:$PWD$ '; exec sh -i"};
  }
  std::vector<std::string> words{
      "/bin/sh", "-c", "eval \"$TOOLBOX_SETUP\"; exec \"$@\"", "kubectl-redis"};
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

}  // namespace kredis::plugin
