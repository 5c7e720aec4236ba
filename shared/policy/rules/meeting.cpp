// SPDX-License-Identifier: Apache-2.0
#include "shared/policy/rules/meeting.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "shared/core/text.hpp"
#include "shared/policy/hooks.hpp"
#include "shared/policy/patch.hpp"
#include "shared/policy/siblings.hpp"
#include "shared/policy/subject.hpp"

namespace kredis::policy {
namespace {

/// Names go into a line of shell; what is no DNS name is no Service's either.
void add_once(std::vector<std::string>& names, const std::string& name) {
  constexpr std::string_view k_letters = "abcdefghijklmnopqrstuvwxyz0123456789-.";
  if (!name.empty() && name.find_first_not_of(k_letters) == std::string::npos &&
      !std::ranges::count(names, name)) {
    names.push_back(name);
  }
}

/// Whether it may be of the same cluster: more than `siblings_of` finds, as who is a stranger is
/// asked in vain and met by nobody. Leaders and followers often have but a label in common.
bool may_be_peer(const Subject& subject, const Json& other) {
  const std::string& config = subject.config_file().object;
  return (!config.empty() && mounts_config_map(other, config)) ||
         (share_label(subject, other) && is_cluster_workload(other, subject.around()));
}

/// Services by which the cluster's pods are found, the governing ones first.
std::vector<std::string> names_of_peers(const Subject& subject) {
  std::vector<const Json*> together{&subject.object()};
  for (const char* kind : {"StatefulSet", "Deployment"}) {
    std::ranges::copy_if(subject.all(kind), std::back_inserter(together), [&](const Json* each) {
      return may_be_peer(subject, *each);
    });
  }
  std::vector<std::string> names;
  for (const Json* each : together) {
    add_once(names, text(member(*each, {"spec", "serviceName"})));
  }
  for (const Json* service : subject.all("Service")) {
    const Json selector = {{"matchLabels", member(*service, {"spec", "selector"})}};
    if (std::ranges::any_of(
            together, [&](const Json* each) { return selects(selector, pod_labels_of(*each)); })) {
      add_once(names, text(member(*service, {"metadata", "name"})));
    }
  }
  constexpr std::size_t k_most = 16;
  names.resize(std::min(names.size(), k_most));
  return names;
}

/// Whether what runs in the container introduces nodes already; shell cannot be understood, so by
/// what is in it.
bool introduces(const Subject& subject) {
  std::string all = subject.launch().scripts;
  for (const char* key : {"lifecycle", "livenessProbe", "readinessProbe", "startupProbe"}) {
    all += member(subject.container(), {key}).dump();
  }
  return core::to_lower(all).find("cluster meet") != std::string::npos;
}

/// Whether its address outlives the pod: one that is written down, or the machine's.
bool keeps_its_address(const Subject& subject) {
  const auto announced = subject.setting("cluster-announce-ip");
  return (announced && announced->known && !announced->first().empty()) ||
         is_true(member(subject.pod(), {"hostNetwork"}));
}

bool is_lost_for_ever(const Subject& subject) {
  // Scripts in a ConfigMap that is not seen may do anything.
  return subject.launch().seen && !keeps_its_address(subject) && !introduces(subject);
}

}  // namespace

bool has_names_before_ready(const Subject& subject) {
  const Json* service =
      subject.look_up("Service", text(member(subject.object(), {"spec", "serviceName"})));
  return service != nullptr && is_true(member(*service, {"spec", "publishNotReadyAddresses"}));
}

void check_meeting_again(const Subject& subject, Report& report) {
  if (is_lost_for_ever(subject)) {
    report.objection(
        subject.container_path() + "/lifecycle/postStart",
        "nothing that introduces nodes",
        "a hook that asks the Service for the others, and CLUSTER MEET for who is known",
        "once all pods are lost together, the nodes never find each other again");
  }
}

void patch_meeting_again(const Subject& subject, Patch& patch) {
  if (!is_lost_for_ever(subject) ||
      !member(subject.container(), {"lifecycle", "postStart"}).is_null()) {
    return;
  }
  if (const auto command = meet_again_command(subject, names_of_peers(subject))) {
    patch.add(subject.container_path() + "/lifecycle/postStart",
              {{"exec", {{"command", *command}}}});
  }
}

}  // namespace kredis::policy
