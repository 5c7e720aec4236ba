// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/controllers/pod_template.hpp"

#include <utility>

namespace kredis::sandbox {
namespace {

void set_default(Json& object, const char* field, Json value) {
  if (!object.contains(field)) {
    object[field] = std::move(value);
  }
}

Json patience_with(const char* taint) {
  return {
      {"key", taint}, {"operator", "Exists"}, {"effect", "NoExecute"}, {"tolerationSeconds", 300}};
}

void fill_defaults(Json& spec) {
  set_default(spec, "restartPolicy", "Always");
  set_default(spec, "terminationGracePeriodSeconds", 30);
  set_default(spec, "dnsPolicy", "ClusterFirst");
  set_default(spec, "schedulerName", "default-scheduler");
  set_default(spec, "serviceAccountName", "default");
  set_default(spec, "enableServiceLinks", true);
  set_default(spec, "securityContext", Json::object());
  set_default(spec,
              "tolerations",
              {patience_with("node.kubernetes.io/not-ready"),
               patience_with("node.kubernetes.io/unreachable")});
}

}  // namespace

Json pod_from_template(const Json& pod_template, const Json& owner, const std::string& name) {
  Json pod{{"apiVersion", "v1"},
           {"kind", "Pod"},
           {"metadata", at(pod_template, "metadata")},
           {"spec", at(pod_template, "spec")},
           {"status", {{"phase", "Pending"}}}};
  Json& metadata = pod["metadata"];
  if (!metadata.is_object()) {
    metadata = Json::object();
  }
  metadata.erase("creationTimestamp");
  metadata["name"] = name;
  metadata["namespace"] = namespace_of(owner);
  metadata["ownerReferences"] = Json::array({controller_reference(owner)});
  fill_defaults(pod["spec"]);
  return pod;
}

void create_pod(Context& context, const Json& owner, Json pod, const std::string& component) {
  const Key key = key_of("", "pods", pod);
  const auto made = context.options.create_pod ? context.options.create_pod(key, std::move(pod))
                                               : context.store.create(key, std::move(pod));
  if (made) {
    record_event(context,
                 owner,
                 {Severity::normal, "SuccessfulCreate", "create Pod " + key.name, component});
    return;
  }
  if (made.error().code == ErrorCode::conflict) {
    return;
  }
  record_event(context,
               owner,
               {Severity::warning,
                "FailedCreate",
                "create Pod " + key.name + " failed: " + made.error().message,
                component});
  context.call_again_at(context.now + std::chrono::seconds(2));
}

}  // namespace kredis::sandbox
