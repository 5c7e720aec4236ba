// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/controllers/hosts_file.hpp"

#include <unistd.h>

#include <fstream>
#include <iterator>
#include <map>
#include <system_error>

#include "tests/sandbox/controllers/endpoints.hpp"

namespace kredis::sandbox {

namespace fs = std::filesystem;

namespace {

// "redis-service" in "default": with every suffix that a pod's search list would add.
std::string names(const std::string& label, const std::string& in, const std::string& seen_from) {
  const std::string qualified = label + "." + in;
  std::string text = qualified + ".svc.cluster.local " + qualified + ".svc " + qualified;
  if (in == seen_from) {
    text += " " + label;
  }
  return text;
}

std::string lines_of_service(const Json& service,
                             const Objects& pods,
                             const std::string& seen_from) {
  const std::string in = namespace_of(service);
  const std::string name = name_of(service);
  const std::string address = text_at(service, "spec.clusterIP");
  if (address != "None") {
    return address.empty() ? std::string{} : address + " " + names(name, in, seen_from) + "\n";
  }
  std::string text;
  for (const Backend& backend : backends_of(service, pods)) {
    if (!backend.ready) {
      continue;
    }
    // The pod's own name first: it is what a reverse look-up gives.
    text += text_at(*backend.pod, "status.podIP");
    if (!backend.hostname.empty()) {
      text += " " + names(backend.hostname + "." + name, in, seen_from);
    }
    text += " " + names(name, in, seen_from) + "\n";
  }
  return text;
}

}  // namespace

std::string hostname_of(const Json& pod) {
  const std::string own = text_at(pod, "spec.hostname");
  return own.empty() ? name_of(pod) : own;
}

std::string own_hosts_line(const Json& pod, const std::string& address) {
  const std::string name = hostname_of(pod);
  const std::string subdomain = text_at(pod, "spec.subdomain");
  std::string line = address;
  if (!subdomain.empty()) {
    line += " " + name + "." + subdomain + "." + namespace_of(pod) + ".svc.cluster.local";
  }
  return line + " " + name + "\n";
}

fs::path hosts_path(const fs::path& state_dir, const std::string& namespace_) {
  return state_dir / "hosts" / namespace_ / "hosts";
}

std::string read_file(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void replace_file(const fs::path& file, const std::string& text) {
  std::error_code ignored;
  if (read_file(file) == text) {
    return;
  }
  // Of this thread: kubelets and controllers write the file of a pod, each of them whole.
  const fs::path fresh = file.string() + "." + std::to_string(::gettid());
  std::ofstream(fresh, std::ios::binary | std::ios::trunc) << text;
  fs::rename(fresh, file, ignored);
}

std::string hosts_file(const Objects& services, const Objects& pods, const std::string& seen_from) {
  std::string text = "127.0.0.1 localhost\n";
  for (const Object& service : services) {
    text += lines_of_service(*service, pods, seen_from);
  }
  return text;
}

void reconcile_hosts_files(Context& context) {
  const Objects services = context.store.list("", "services");
  const Objects pods = context.store.list("", "pods");
  const fs::path& state_dir = context.options.state_dir;
  std::map<std::string, std::string> names;
  for (const Object& space : context.store.list("", "namespaces")) {
    const std::string name = name_of(*space);
    const fs::path file = hosts_path(state_dir, name);
    std::error_code ignored;
    fs::create_directories(file.parent_path(), ignored);
    names[name] = hosts_file(services, pods, name);
    replace_file(file, names[name]);
  }
  for (const Object& pod : pods) {
    const fs::path folder = state_dir / "pods" / uid_of(*pod) / "identity";
    // Without its own line the kubelet has not come to it yet.
    if (const std::string own = read_file(folder / "own-hosts"); !own.empty()) {
      replace_file(folder / "hosts", own + names[namespace_of(*pod)]);
    }
  }
}

}  // namespace kredis::sandbox
