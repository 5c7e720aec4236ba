// SPDX-License-Identifier: Apache-2.0
#include "shared/manifest/spec_changes.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "shared/core/text.hpp"
#include "shared/manifest/configuration.hpp"
#include "shared/manifest/object_parts.hpp"
#include "shared/manifest/storage.hpp"
#include "shared/wire/quantity.hpp"
#include "shared/wire/redis_conf.hpp"

namespace kredis::manifest {
namespace {

using core::Risk;

constexpr std::string_view k_no_auth = "no-auth";
constexpr std::string_view k_no_tls = "no-tls";
constexpr std::string_view k_older_server = "older-server";
constexpr std::string_view k_no_persistence = "no-persistence";
constexpr std::string_view k_restart = "the pods restart, one by one";

std::string text_of(const Pairs& pairs) {
  std::string text;
  for (const auto& [key, value] : pairs) {
    text += (text.empty() ? "" : ",") + key + "=" + value;
  }
  return text;
}

std::string text_of(const std::vector<Toleration>& tolerations) {
  std::string text;
  for (const Toleration& each : tolerations) {
    text += (text.empty() ? "" : ",") + each.key + (each.value ? "=" + *each.value : "") +
            (each.effect.empty() ? "" : ":" + each.effect);
  }
  return text;
}

std::string_view name_of(Access access) {
  return access == Access::cluster_ip  ? "ClusterIP"
         : access == Access::node_port ? "NodePort"
                                       : "LoadBalancer";
}

std::string_view name_of(External external) {
  return external == External::none        ? "none"
         : external == External::node_port ? "NodePort"
                                           : "LoadBalancer";
}

/// The changes as they are found.
class Differences {
 public:
  void add(SpecChange change) {
    if (change.before != change.after) {
      found_.push_back(std::move(change));
    }
  }
  /// What restarts pods and risks no more.
  void add(std::string what, std::string before, std::string after) {
    add({.what = std::move(what),
         .before = std::move(before),
         .after = std::move(after),
         .risk = Risk::availability,
         .cost = std::string(k_restart)});
  }
  std::vector<SpecChange> take() { return std::move(found_); }

 private:
  std::vector<SpecChange> found_;
};

/// The numbers of a tag: "redis:8.0.2-alpine" has 8, 0 and 2. Empty where it has none.
std::vector<int> version_of(const std::string& image) {
  const std::size_t colon = image.rfind(':');
  std::vector<int> numbers;
  if (colon == std::string::npos || image.find('/', colon) != std::string::npos) {
    return numbers;
  }
  std::string tag = image.substr(colon + 1);
  tag = tag.substr(0, tag.find_first_not_of("0123456789."));
  for (const std::string_view part : core::split(tag, '.')) {
    if (const auto number = core::to_number<int>(part)) {
      numbers.push_back(*number);
    }
  }
  return numbers;
}

std::string product_of(const std::string& image) {
  const std::string name = image.substr(0, image.rfind(':'));
  return name.substr(name.rfind('/') + 1);
}

/// Whether an image is of an older server, as far as its tag tells; "8" is no older than "8.0".
bool is_older(const std::string& before, const std::string& after) {
  const std::vector<int> old_version = version_of(before);
  const std::vector<int> new_version = version_of(after);
  const std::size_t common = std::min(old_version.size(), new_version.size());
  for (std::size_t i = 0; i < common; ++i) {
    if (old_version[i] != new_version[i]) {
      return new_version[i] < old_version[i];
    }
  }
  return false;
}

void compare_image(const ClusterSpec& before, const ClusterSpec& after, Differences& found) {
  SpecChange change{.what = "image",
                    .before = before.image,
                    .after = after.image,
                    .risk = Risk::availability,
                    .cost = std::string(k_restart)};
  const bool other = product_of(before.image) != product_of(after.image);
  if (other || is_older(before.image, after.image)) {
    change.risk = Risk::data;
    change.word = k_older_server;
    change.cost = other ? "another server may not read what this one wrote"
                        : "an older server may not read what a newer one wrote";
  }
  found.add(std::move(change));
}

/// One of the two Secrets. Nodes that differ in it do not speak to each other meanwhile.
void compare_secret(const std::string& what,
                    const std::string& before,
                    const std::string& after,
                    std::string_view word_to_drop,
                    Differences& found) {
  SpecChange change{.what = what,
                    .before = before.empty() ? "none" : before,
                    .after = after.empty() ? "none" : after,
                    .risk = Risk::data};
  change.cost =
      "until all pods have restarted, replicas with the one cannot follow masters with the other: "
      "what is written meanwhile may be lost";
  if (after.empty()) {
    change.word = word_to_drop;
    change.cost += what == "auth-secret" ? "; then anybody who reaches a pod may read and write"
                                         : "; then everything goes over the network unencrypted";
  }
  found.add(std::move(change));
}

using Settings = std::map<std::string, std::string>;

Settings settings_of(const ClusterSpec& spec) {
  Settings settings;
  const auto conf = wire::parse_redis_conf(redis_conf(spec));
  for (const auto& directive : conf ? conf->directives : std::vector<wire::RedisDirective>{}) {
    std::string value;
    for (const std::string& word : directive.arguments) {
      value += (value.empty() ? "" : " ") + (word.empty() ? "\"\"" : word);
    }
    std::string& known = settings[directive.name];
    // Redis adds these up; of all others the last one counts.
    known = directive.name == "save" && !known.empty() ? known + " " + value : value;
  }
  return settings;
}

bool keeps_on_disk(const Settings& settings) {
  const auto aof = settings.find("appendonly");
  const auto save = settings.find("save");
  const bool has_aof = aof != settings.end() && aof->second == "yes";
  return has_aof || save == settings.end() || save->second != "\"\"";
}

void compare_settings(const ClusterSpec& before, const ClusterSpec& after, Differences& found) {
  const Settings was = settings_of(before);
  const Settings is = settings_of(after);
  std::set<std::string> names;
  for (const auto& [name, value] : was) {
    names.insert(name);
  }
  for (const auto& [name, value] : is) {
    names.insert(name);
  }
  const auto value_in = [](const Settings& settings, const std::string& name) {
    const auto found_at = settings.find(name);
    return found_at == settings.end() ? std::string("(default)") : found_at->second;
  };
  const bool stops_keeping = keeps_on_disk(was) && !keeps_on_disk(is);
  for (const std::string& name : names) {
    const bool is_tls = name.starts_with("tls-") || name == "port" || name == "protected-mode";
    if (is_tls &&
        (before.tls_secret != after.tls_secret || before.auth_secret != after.auth_secret)) {
      continue;  // They follow from the Secrets.
    }
    SpecChange change{.what = "set " + name,
                      .before = value_in(was, name),
                      .after = value_in(is, name),
                      .risk = Risk::availability,
                      .cost = "settings that a running server does not take restart the pods"};
    const bool drops_aof = name == "appendonly" && change.before == "yes";
    if (drops_aof || (name == "save" && stops_keeping)) {
      change.risk = Risk::data;
      change.word = k_no_persistence;
      change.cost = stops_keeping ? "nothing is kept on disk any more: a restart loses the data"
                                  : "a crash loses what came after the last snapshot";
    }
    found.add(std::move(change));
  }
}

void compare_pods(const ClusterSpec& before, const ClusterSpec& after, Differences& found) {
  found.add("requests", text_of(effective_requests(before)), text_of(effective_requests(after)));
  found.add("limits", text_of(before.limits), text_of(after.limits));
  const auto wish = [](const ClusterSpec& spec) {
    return spec.anti_affinity == AntiAffinity::required ? "required" : "preferred";
  };
  found.add("anti-affinity", wish(before), wish(after));
  const auto spread = [](const ClusterSpec& spec) {
    return spec.zone_spread == ZoneSpread::on ? "on" : "off";
  };
  found.add("zone-spread", spread(before), spread(after));
  found.add("labels", text_of(before.labels), text_of(after.labels));
  found.add("annotations", text_of(before.annotations), text_of(after.annotations));
  found.add("service-account", before.service_account, after.service_account);
  found.add("node-selector", text_of(before.node_selector), text_of(after.node_selector));
  found.add("tolerations", text_of(before.tolerations), text_of(after.tolerations));
  found.add("priority-class", before.priority_class, after.priority_class);
}

Error fixed(const ClusterSpec& before, const std::string& what, const std::string& hint) {
  return Error::conflict(fmt::format("cluster {} is there {}, and create does not change that",
                                     before.name,
                                     what))
      .with_hint(hint);
}

Status check_shape_kept(const ClusterSpec& before, const ClusterSpec& after) {
  if (before.masters == after.masters && before.replicas == after.replicas) {
    return {};
  }
  return Error::conflict(fmt::format("cluster {} is there with {} masters and {} replicas each; "
                                     "create does not change the shape of a cluster",
                                     before.name,
                                     before.masters,
                                     before.replicas))
      .with_hint(
          fmt::format("leave out --masters and --replicas to go on with it as it is; or give "
                      "it another shape: kubectl redis scale {} --masters {} --replicas {}",
                      before.name,
                      after.masters,
                      after.replicas));
}

Status check_size_kept(const ClusterSpec& before, const ClusterSpec& after) {
  const auto was = wire::parse_byte_quantity(before.size);
  const auto is = wire::parse_byte_quantity(after.size);
  if (before.size == after.size || (was && is && *was == *is)) {
    return {};
  }
  return fixed(before,
               "with " + before.size + " for each node",
               "leave out --size to go on with it; a claim grows by: kubectl patch pvc, where its "
               "class allows it");
}

}  // namespace

std::vector<std::string> allowable() {
  return {std::string(k_no_auth),
          std::string(k_no_tls),
          std::string(k_older_server),
          std::string(k_no_persistence)};
}

Status check_fixed(const ClusterSpec& before, const ClusterSpec& after) {
  KREDIS_CHECK(check_shape_kept(before, after));
  if (before.layout != after.layout) {
    return fixed(before,
                 before.layout == Layout::statefulset ? "as a StatefulSet" : "as Deployments",
                 "leave out --layout: a second workload would write to the same claims");
  }
  if (before.storage != after.storage) {
    return fixed(before,
                 before.storage == Storage::claim ? "with a claim for each node"
                                                  : "without claims (--ephemeral)",
                 "make another cluster, and move the data there");
  }
  KREDIS_CHECK(check_size_kept(before, after));
  const bool same_class = before.storage_class == after.storage_class;
  if (!same_class || effective_access_mode(before) != effective_access_mode(after) ||
      before.nfs_server != after.nfs_server || before.nfs_path != after.nfs_path) {
    return fixed(before,
                 before.on_nfs()
                     ? "on NFS server " + before.nfs_server + ":" + before.nfs_path
                     : "with StorageClass " + before.storage_class.value_or("(default)") + " and " +
                           effective_access_mode(before),
                 "leave out the storage flags; or make another cluster, and move the data there");
  }
  return {};
}

std::vector<SpecChange> changes_between(const ClusterSpec& before, const ClusterSpec& after) {
  Differences found;
  compare_image(before, after, found);
  compare_settings(before, after, found);
  compare_pods(before, after, found);
  found.add({.what = "access",
             .before = std::string(name_of(before.access)),
             .after = std::string(name_of(after.access)),
             .risk = Risk::availability,
             .cost = "the Service gets another type, and perhaps another address"});
  found.add(
      "external", std::string(name_of(before.external)), std::string(name_of(after.external)));
  const auto endpoint = [](const ClusterSpec& spec) {
    return spec.client_endpoint == ClientEndpoint::hostname ? "hostname" : "ip";
  };
  found.add("client-endpoint", endpoint(before), endpoint(after));
  compare_secret("auth-secret", before.auth_secret, after.auth_secret, k_no_auth, found);
  compare_secret("tls-secret", before.tls_secret, after.tls_secret, k_no_tls, found);
  return found.take();
}

}  // namespace kredis::manifest
