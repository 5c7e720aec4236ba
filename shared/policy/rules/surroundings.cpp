// SPDX-License-Identifier: Apache-2.0
#include "shared/policy/rules/surroundings.hpp"

#include <algorithm>
#include <utility>

#include "shared/core/text.hpp"
#include "shared/policy/launch.hpp"
#include "shared/policy/patch.hpp"
#include "shared/policy/subject.hpp"

namespace kredis::policy {
namespace {

/// "8.0" of "8.0.1-alpine" as two numbers; nothing when the tag is no version.
std::optional<std::pair<int, int>> version_of(std::string_view tag) {
  const auto parts = core::split(tag.substr(0, tag.find_first_not_of("0123456789.")), '.');
  const auto major = core::to_number<int>(parts.front());
  if (!major) {
    return std::nullopt;
  }
  const auto minor = parts.size() > 1 ? core::to_number<int>(parts[1]) : std::nullopt;
  // The tag 7 moves with the newest 7.x, so it is not older than any of them.
  constexpr int k_newest = 999;
  return std::pair(*major, minor.value_or(k_newest));
}

std::string image_path(const Subject& subject) { return subject.container_path() + "/image"; }

/// The number that a Service's port leads to in that pod; nothing for a name nobody has.
std::optional<std::int64_t> target_of(const Json& port, const Subject& workload) {
  const Json& target = member(port, {"targetPort"});
  // targetPort defaults to port (Kubernetes docs, Service, "Defining a Service").
  if (target.is_null()) {
    return number(member(port, {"port"}));
  }
  if (target.is_number_integer()) {
    return number(target);
  }
  for (const Json& each : items(member(workload.container(), {"ports"}))) {
    if (text(member(each, {"name"})) == text(target)) {
      return number(member(each, {"containerPort"}));
    }
  }
  return std::nullopt;
}

bool governs(const Subject& service, const Json& workload) {
  return text(member(workload, {"spec", "serviceName"})) == service.name();
}

bool governs_any(const Subject& service) {
  return std::ranges::any_of(service.workloads(),
                             [&](const Json* each) { return governs(service, *each); });
}

std::int64_t pods_of(const Json& workload) {
  return number(member(workload, {"spec", "replicas"})).value_or(1);
}

/// How many pods a budget lets go of `pods`; nothing where that cannot be said.
std::optional<std::int64_t> to_spare(const Json& budget, std::optional<std::int64_t> pods) {
  constexpr std::int64_t k_percent = 100;
  for (const char* key : {"maxUnavailable", "minAvailable"}) {
    const Json& value = member(budget, {"spec", key});
    // maxUnavailable, by its second letter.
    const bool most = key[1] == 'a';
    std::optional<std::int64_t> amount = number(value);
    if (text(value).ends_with('%') && pods) {
      const auto share = number_in(text(value).substr(0, text(value).size() - 1));
      // Kubernetes takes 0 to 100 and rounds both fields up (docs, "Specifying a Disruption Budget
      // for your Application", "Rounding logic when specifying percentages").
      amount = share && *share >= 0 && *share <= k_percent
                   ? std::optional((*share * *pods + k_percent - 1) / k_percent)
                   : std::nullopt;
    }
    // minAvailable leaves a number to spare only where it is known how many pods there are.
    if (amount && (most || pods)) {
      return most ? amount : std::optional(*pods - *amount);
    }
  }
  return std::nullopt;
}

std::optional<std::int64_t> budget_to_spare(const Subject& budget) {
  std::optional<std::int64_t> pods;
  for (const Json* workload : budget.workloads()) {
    pods = pods.value_or(0) + pods_of(*workload);
  }
  return to_spare(budget.object(), pods);
}

std::string budget_path(const Subject& budget) {
  return member(budget.object(), {"spec", "minAvailable"}).is_null() ? "/spec/maxUnavailable"
                                                                     : "/spec/minAvailable";
}

}  // namespace

void check_image_version(const Subject& subject, Report& report) {
  const std::string image = text(member(subject.container(), {"image"}));
  const std::string_view tag = image_tag(image);
  // A digest pins the image better than any tag.
  if (!image.empty() && image.find('@') == std::string::npos && (tag.empty() || tag == "latest")) {
    report.objection(image_path(subject),
                     shown(image),
                     image.substr(0, image.size() - (tag.empty() ? 0 : tag.size() + 1)) + ":8.0",
                     "pods may run different versions, one after the other");
  }
}

void check_image_supported(const Subject& subject, Report& report) {
  const std::string image = text(member(subject.container(), {"image"}));
  const auto version = version_of(image_tag(image));
  const bool valkey = image_base(image) == "valkey";
  const auto oldest = valkey ? std::pair(7, 2) : std::pair(6, 2);
  // Other images count versions of their own.
  if (version && (valkey || image_base(image) == "redis") && *version < oldest) {
    report.objection(image_path(subject),
                     shown(image),
                     valkey ? "Valkey 7.2 or newer" : "Redis 6.2 or newer",
                     "this version is older than what is supported");
  }
}

void check_security(const Subject& subject, Report& report) {
  const Json& context = member(subject.container(), {"securityContext"});
  if (subject.container().is_object() &&
      (!context.is_object() || !context.contains("allowPrivilegeEscalation"))) {
    report.objection(subject.container_path() + "/securityContext",
                     shown(context),
                     "allowPrivilegeEscalation: false, no capabilities, a user that is not root",
                     "the container has rights that Redis does not need");
  }
}

/// Another user is safe where nothing else of the pod counts on the one it has: no second
/// container, no script that may need root, no folder whose owner Kubernetes does not change
/// (fsGroup does not reach hostPath and NFS), and an image that is known to have that user.
bool may_change_user(const Subject& subject) {
  const auto& pod = subject.pod();
  const bool owned = std::ranges::none_of(items(member(pod, {"volumes"})), [](const Json& volume) {
    return volume.contains("hostPath") || volume.contains("nfs");
  });
  return items(member(pod, {"initContainers"})).empty() && owned &&
         items(member(pod, {"containers"})).size() == 1 && subject.launch().scripts.empty() &&
         is_official_image(text(member(subject.container(), {"image"})));
}

void patch_security(const Subject& subject, Patch& patch) {
  const Json& pod_context = member(subject.pod(), {"securityContext"});
  const Json& context = member(subject.container(), {"securityContext"});
  const bool free_to = pod_context.is_null() || is_true(member(pod_context, {"runAsNonRoot"}));
  if (subject.around().before != nullptr || !free_to || !context.is_null() ||
      !subject.container().is_object() || !may_change_user(subject)) {
    return;
  }
  // The restricted Pod Security Standard, as far as Redis is concerned. OnRootMismatch spares the
  // kubelet from changing the owner of every file of a large volume at each start.
  patch.add(Subject::pod_path() + "/securityContext",
            {{"runAsNonRoot", true},
             {"runAsUser", k_redis_user},
             {"runAsGroup", k_redis_user},
             {"fsGroup", k_redis_user},
             {"fsGroupChangePolicy", "OnRootMismatch"},
             {"seccompProfile", {{"type", "RuntimeDefault"}}}});
  patch.add(subject.container_path() + "/securityContext",
            {{"allowPrivilegeEscalation", false}, {"capabilities", {{"drop", {"ALL"}}}}});
}

void check_not_privileged(const Subject& subject, Report& report) {
  if (is_true(member(subject.container(), {"securityContext", "privileged"}))) {
    report.objection(subject.container_path() + "/securityContext/privileged",
                     "true",
                     "false",
                     "the container is root on its node");
  }
}

void check_not_root(const Subject& subject, Report& report) {
  const Json& own = member(subject.container(), {"securityContext", "runAsUser"});
  // The container's value overrides the pod's (Kubernetes docs, "Configure a Security Context").
  const Json& all = member(subject.pod(), {"securityContext", "runAsUser"});
  if (number(own.is_null() ? all : own) == 0) {
    report.objection(own.is_null() ? Subject::pod_path() + "/securityContext/runAsUser"
                                   : subject.container_path() + "/securityContext/runAsUser",
                     "0",
                     std::to_string(k_redis_user),
                     "the server runs as root");
  }
}

void check_headless(const Subject& subject, Report& report) {
  const Json& address = member(subject.object(), {"spec", "clusterIP"});
  if (governs_any(subject) && text(address) != "None") {
    report.objection("/spec/clusterIP",
                     shown(address),
                     "None",
                     "the Service gives the StatefulSet's pods no names");
  }
}

/// Only the Service that governs: others may well select something else beside the pods.
void check_service_selects(const Subject& subject, Report& report) {
  const Json& selector = member(subject.object(), {"spec", "selector"});
  for (const Json* workload : subject.workloads()) {
    if (governs(subject, *workload) &&
        !selects({{"matchLabels", selector}}, pod_labels_of(*workload))) {
      report.objection("/spec/selector",
                       shown(selector),
                       shown(member(*workload, {"spec", "selector", "matchLabels"})),
                       "the Service selects none of the pods that it is to name");
    }
  }
}

void check_service_ports(const Subject& subject, Report& report) {
  const Json& ports = items(member(subject.object(), {"spec", "ports"}));
  for (const Json* each : subject.workloads()) {
    const Subject workload(*each, subject.around());
    const Json& declared = items(member(workload.container(), {"ports"}));
    for (std::size_t i = 0; i < ports.size(); ++i) {
      const auto target = target_of(ports[i], workload);
      const bool known = std::ranges::any_of(declared, [&](const Json& port) {
        return target && number(member(port, {"containerPort"})) == target;
      });
      // containerPort only informs: where a container declares none, any port may be open. The two
      // that Redis is known to use count as declared.
      if (!declared.empty() && !known && target != workload.client_port() &&
          target != workload.bus_port()) {
        report.objection(joined("/spec/ports", i) + "/targetPort",
                         shown(member(ports[i], {"targetPort"})),
                         workload.client_port() ? std::to_string(*workload.client_port())
                                                : "the port that the server uses",
                         "no container of " + workload.name() + " has that port");
      }
    }
  }
}

void check_not_ready_addresses(const Subject& subject, Report& report) {
  if (governs_any(subject) &&
      !is_true(member(subject.object(), {"spec", "publishNotReadyAddresses"}))) {
    report.objection("/spec/publishNotReadyAddresses",
                     shown(member(subject.object(), {"spec", "publishNotReadyAddresses"})),
                     "true",
                     "nodes cannot find each other by name until they are ready");
  }
}

void patch_not_ready_addresses(const Subject& subject, Patch& patch) {
  // One with an address is for clients, who would be sent to nodes that cannot serve.
  if (governs_any(subject) && text(member(subject.object(), {"spec", "clusterIP"})) == "None") {
    patch.add("/spec/publishNotReadyAddresses", true);
  }
}

/// MOVED names a node's address, which leads nowhere from outside unless each node announces its
/// own.
void check_from_outside(const Subject& subject, Report& report) {
  const std::string type = text(member(subject.object(), {"spec", "type"}));
  if (type == "NodePort" || type == "LoadBalancer") {
    report.objection("/spec/type",
                     type,
                     "clients inside the cluster, or an announced address for each node",
                     "a client outside is sent to a pod that it cannot reach");
  }
}

void check_has_budget(const Subject& subject, Report& report) {
  const auto budgets = subject.all("PodDisruptionBudget");
  const bool any = std::ranges::any_of(budgets, [&](const Json* budget) {
    return selects(member(*budget, {"spec", "selector"}), subject.pod_labels());
  });
  if (!any) {
    report.objection("/metadata/name",
                     shown(subject.name()),
                     "a PodDisruptionBudget with maxUnavailable: 1 for its pods",
                     "two drains at once may take a master and its replica");
  }
}

void check_budget_lets_go(const Subject& subject, Report& report) {
  // To spare nobody is not caution: people end such a drain with --disable-eviction, which asks no
  // budget.
  if (const auto spare = budget_to_spare(subject); spare && *spare < 1) {
    report.objection(budget_path(subject),
                     shown(at_path(subject.object(), budget_path(subject))),
                     "maxUnavailable: 1",
                     "no pod may ever be evicted, so a drain never ends");
  }
}

void check_budget_holds(const Subject& subject, Report& report) {
  if (const auto spare = budget_to_spare(subject); spare && *spare > 1) {
    report.objection(
        budget_path(subject),
        shown(at_path(subject.object(), budget_path(subject))),
        "maxUnavailable: 1",
        std::to_string(*spare) + " pods may go at once, a master and its replica among them");
  }
}

}  // namespace kredis::policy
