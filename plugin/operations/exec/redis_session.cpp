// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/exec/redis_session.hpp"

#include <random>

#include <fmt/format.h>

#include "shared/wire/kube_objects.hpp"

namespace kredis::plugin {
namespace {

/// Arguments: files of the authority, certificate and key, ACL user, secret's file (each may be
/// empty), address, port; then those of redis-cli. -c: a session follows the cluster's redirects.
constexpr const char* k_cli_script = R"(
ca=$1 cert=$2 key=$3 user=$4 secret=$5 host=$6 port=$7
shift 7
for folder in /dev/shm /tmp; do
  if [ -n "$secret" ] && [ -r "$folder/$secret" ]; then
    REDISCLI_AUTH=$(cat "$folder/$secret")
    export REDISCLI_AUTH
    rm -f "$folder/$secret"
  fi
done
cli=redis-cli
command -v "$cli" >/dev/null || cli=valkey-cli
command -v "$cli" >/dev/null || {
  echo "this image has neither redis-cli nor valkey-cli; fix: kubectl redis toolbox --image redis:8.0" >&2
  exit 127
}
# Without it a command that Redis refuses ends with 0, and a script goes on. Not before redis-cli 7.0.
if [ $# -gt 0 ] && "$cli" --help 2>&1 | grep -q '^  *-e  '; then
  set -- -e "$@"
fi
[ -z "$user" ] || set -- --user "$user" "$@"
[ -z "$cert" ] || set -- --cert "$cert" --key "$key" "$@"
[ -z "$ca" ] || set -- --tls --cacert "$ca" "$@"
exec "$cli" -h "$host" -p "$port" -c "$@"
)";

/// Stays until the session has taken the file away, but no longer than a session takes to begin:
/// whatever becomes of that, of its kubectl or of this program, the file goes. In front, as a
/// process that is left behind in a container becomes a zombie of Redis.
constexpr const char* k_keep_script = R"(
umask 077
for folder in /dev/shm /tmp; do
  if [ -d "$folder" ] && [ -w "$folder" ]; then
    file=$folder/$1
    trap 'rm -f "$file" "$file.new"' EXIT
    trap 'exit 1' HUP INT TERM
    cat >"$file.new" && mv "$file.new" "$file" || exit 1
    echo kept
    seconds=60
    while [ -e "$file" ] && [ "$seconds" -gt 0 ]; do
      sleep 1
      seconds=$((seconds - 1))
    done
    exit
  fi
done
echo "neither /dev/shm nor /tmp can be written to, so the password cannot be handed over" >&2
exit 1
)";

/// Where `container` mounts the Secret; empty when it does not.
std::string mount_of(const Json& pod, const Json& container, const std::string& secret) {
  for (const Json& volume : pod.value("/spec/volumes"_json_pointer, Json::array())) {
    if (volume.value("/secret/secretName"_json_pointer, std::string()) != secret) {
      continue;
    }
    for (const Json& mount : container.value("volumeMounts", Json::array())) {
      if (mount.value("name", "") == volume.value("name", "")) {
        return mount.value("mountPath", "");
      }
    }
  }
  return {};
}

}  // namespace

Result<RedisContainer> redis_container(const Json& pod,
                                       const observe::RedisProcess& process,
                                       const observe::RedisAccess& access) {
  const core::Pod seen = wire::pod_from_json(pod, {}, 0, process.place);
  const Json containers = pod.value("/spec/containers"_json_pointer, Json::array());
  if (!seen.running || process.place.container >= containers.size()) {
    const std::string trouble = wire::pod_trouble(pod, Json::array());
    return Error::conflict("pod " + seen.name + " does not run" +
                           (trouble.empty() ? "" : ": " + trouble))
        .with_hint("leave the pod out, and any master that runs is taken");
  }
  RedisContainer found{.pod = seen.name,
                       .name = process.container,
                       .address = seen.ip,
                       .port = seen.port,
                       .knows_password = process.knows_password,
                       .tls = process.certificate_files};
  if (found.tls.ca.empty() && !access.tls_secret.empty()) {
    const Json& container = containers.at(process.place.container);
    const std::string folder = mount_of(pod, container, access.tls_secret);
    if (folder.empty()) {
      return Error::conflict("pod " + seen.name + " does not mount the Secret " + access.tls_secret)
          .with_hint("use a pod that has the certificates: kubectl redis toolbox");
    }
    found.tls = {folder + "/ca.crt", folder + "/tls.crt", folder + "/tls.key"};
  }
  return found;
}

std::vector<std::string> cli_command(const RedisContainer& container,
                                     const Login& login,
                                     const std::vector<std::string>& arguments) {
  std::vector<std::string> words{"/bin/sh",
                                 "-c",
                                 k_cli_script,
                                 "kubectl-redis",
                                 container.tls.ca,
                                 container.tls.certificate,
                                 container.tls.key,
                                 login.user,
                                 login.secret_file,
                                 container.address,
                                 std::to_string(container.port)};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

std::vector<std::string> keep_secret_command(const std::string& secret_file) {
  return {"/bin/sh", "-c", k_keep_script, "kubectl-redis", secret_file};
}

std::string secret_file_name() {
  std::random_device random;
  return fmt::format(".kubectl-redis-{:08x}{:08x}{:08x}", random(), random(), random());
}

}  // namespace kredis::plugin
