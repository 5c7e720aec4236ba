// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/controllers/hosts_file.hpp"

#include <fstream>
#include <iterator>
#include <system_error>

#include "tests/sandbox/controllers/endpoints.hpp"

namespace kredis::sandbox {
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

bool already_holds(const std::filesystem::path& file, const std::string& text) {
  std::ifstream stream(file, std::ios::binary);
  const std::string held((std::istreambuf_iterator<char>(stream)), {});
  return stream && held == text;
}

void replace_file(const std::filesystem::path& file, const std::string& text) {
  std::error_code ignored;
  std::filesystem::create_directories(file.parent_path(), ignored);
  if (already_holds(file, text)) {
    return;
  }
  const std::filesystem::path fresh = file.string() + ".new";
  std::ofstream(fresh, std::ios::binary | std::ios::trunc) << text;
  std::filesystem::rename(fresh, file, ignored);
}

}  // namespace

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
  for (const Object& space : context.store.list("", "namespaces")) {
    const std::string name = name_of(*space);
    replace_file(context.options.state_dir / "hosts" / name / "hosts",
                 hosts_file(services, pods, name));
  }
}

}  // namespace kredis::sandbox
