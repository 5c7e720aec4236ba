// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/rbac/permissions.hpp"

#include <future>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace kredis::plugin {
namespace {

std::string in_words(const Need& need) {
  return need.verb + " " + need.resource + (need.group.empty() ? "" : "." + need.group) +
         (need.name.empty() ? "" : " " + need.name) +
         (need.namespace_.empty() ? "" : " in namespace " + need.namespace_);
}

/// The rules of a Role (or ClusterRole), one a resource, as YAML on one line each.
std::string rules_for(const std::vector<Need>& missing) {
  std::map<std::pair<std::string, std::string>, std::set<std::string>> verbs;
  std::map<std::string, std::set<std::string>> names;
  bool cluster_wide = false;
  for (const Need& need : missing) {
    verbs[{need.group, need.resource}].insert(need.verb);
    if (!need.name.empty()) {
      names[need.resource].insert(need.name);
    }
    cluster_wide |= need.namespace_.empty();
  }
  std::string text =
      cluster_wide ? "add to a ClusterRole of this user:" : "add to a Role of this user:";
  for (const auto& [resource, allowed] : verbs) {
    const auto only = names.find(resource.second);
    text += fmt::format("\n    - {{apiGroups: [\"{}\"], resources: [\"{}\"], {}verbs: [{}]}}",
                        resource.first,
                        resource.second,
                        only == names.end()
                            ? ""
                            : fmt::format("resourceNames: [{}], ", fmt::join(only->second, ", ")),
                        fmt::join(allowed, ", "));
  }
  return text;
}

}  // namespace

std::vector<Need> needs_of(const std::vector<Right>& rights,
                           const std::string& namespace_,
                           const std::vector<std::string>& secrets) {
  std::vector<Need> needs;
  for (const JoinedRight& each : joined(rights)) {
    const Right& right = each.right;
    if (right.weight == Weight::goes_without) {
      continue;
    }
    const std::string where = right.reach == Reach::everywhere ? "" : namespace_;
    const auto names =
        right.when == Case::secrets ? secrets : std::vector<std::string>{std::string(right.named)};
    for (const std::string& verb : each.allowed) {
      for (const std::string& name : names) {
        needs.push_back({verb, std::string(right.group), std::string(right.resource), where, name});
      }
    }
  }
  return needs;
}

Status require_permissions(ports::KubePort& kube, const std::vector<Need>& needs) {
  std::vector<std::future<Result<bool>>> answers;
  answers.reserve(needs.size());
  for (const Need& need : needs) {
    answers.push_back(std::async(std::launch::async, [&kube, &need] {
      return kube.can_i({.verb = need.verb,
                         .group = need.group,
                         .resource = need.resource,
                         .namespace_ = need.namespace_,
                         .name = need.name});
    }));
  }
  std::vector<Need> missing;
  std::vector<std::string> words;
  Status failure;
  for (std::size_t i = 0; i < needs.size(); ++i) {
    const Result<bool> allowed = answers[i].get();
    if (!allowed) {
      failure = allowed.error().while_doing("asking what this user may do");
    } else if (!*allowed) {
      missing.push_back(needs[i]);
      words.push_back(in_words(needs[i]));
    }
  }
  KREDIS_CHECK(failure);
  if (missing.empty()) {
    return {};
  }
  return Error::unauthorized(fmt::format("this user may not {}", fmt::join(words, "; nor ")))
      .with_hint(rules_for(missing));
}

}  // namespace kredis::plugin
