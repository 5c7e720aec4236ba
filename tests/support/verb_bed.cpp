// SPDX-License-Identifier: Apache-2.0
#include "tests/support/verb_bed.hpp"

#include <signal.h>

#include <utility>

#include "shared/manifest/names.hpp"
#include "shared/manifest/objects.hpp"
#include "shared/wire/config_drift.hpp"
#include "shared/wire/redis_conf.hpp"
#include "tests/support/lent.hpp"

namespace kredis::tests {
namespace {

constexpr const char* k_namespace = "shop";
constexpr const char* k_lease = "kubectl-redis-redis";

Json named(const std::string& name, const Json& labels = Json::object()) {
  return {{"metadata", {{"name", name}, {"labels", labels}}}};
}

/// Nodes, a default StorageClass and namespaces, as any cluster has them.
void furnish(FakeKube& kube) {
  for (const char* letter : {"a", "b", "c"}) {
    kube.put("nodes",
             named(std::string("node-") + letter,
                   {{"topology.kubernetes.io/zone", std::string("zone-") + letter}}));
  }
  for (const char* name : {k_namespace, "default", "kube-system"}) {
    kube.put("namespaces", named(name));
  }
  Json storage = named("standard");
  storage["metadata"]["annotations"] = {{"storageclass.kubernetes.io/is-default-class", "true"}};
  kube.put("storageclasses", storage);
}

std::string address(int number) { return "10.0.0." + std::to_string(number); }

int ordinal_of(const std::string& pod) { return std::stoi(pod.substr(pod.rfind('-') + 1)); }

/// What a server runs that was started with the ConfigMap's file.
std::map<std::string, std::string> started_with(const std::string& text) {
  std::map<std::string, std::string> settings{{"save", "3600 1"},
                                              {"maxmemory", "0"},
                                              {"maxclients", "10000"},
                                              {"io-threads", "1"},
                                              {"databases", "16"},
                                              {"requirepass", ""}};
  const auto config = wire::parse_redis_conf(text);
  for (const wire::WantedSetting& each : wire::wanted_settings(config.value())) {
    settings[each.name] = each.value;
  }
  return settings;
}

/// The status of a pod that runs and is ready.
Json well(const std::string& address) {
  return {{"phase", "Running"},
          {"podIP", address},
          {"conditions", Json::array({{{"type", "Ready"}, {"status", "True"}}})},
          {"containerStatuses",
           Json::array({{{"name", "redis"}, {"state", {{"running", Json::object()}}}}})}};
}

}  // namespace

Json pod_of(const Json& workload, int ordinal, const std::string& address) {
  const std::string number = std::to_string(ordinal);
  const std::string name = text_at(workload, "/metadata/name") + "-" + number;
  Json pod = workload.at("spec").at("template");
  pod["metadata"]["name"] = name;
  pod["metadata"]["namespace"] = workload.at("metadata").at("namespace");
  pod["metadata"]["uid"] = name + " at " + address;
  pod["metadata"]["ownerReferences"] =
      Json::array({{{"kind", "StatefulSet"}, {"name", workload.at("metadata").at("name")}}});
  pod["spec"]["nodeName"] = std::string("node-") + "abc"[ordinal % 3];
  if (workload.at("spec").contains("volumeClaimTemplates")) {
    pod["spec"]["volumes"].push_back(
        {{"name", "redis-data"}, {"persistentVolumeClaim", {{"claimName", "redis-data-" + name}}}});
  }
  pod["status"] = well(address);
  return pod;
}

VerbBed::VerbBed() {
  ::signal(SIGPIPE, SIG_IGN);  // As the program does, whose child may end before it has read.
  furnish(kube);
  kube.clock = &clock;
  kube.on_change = [this](const auto& what, const auto& plural, const Json& object) {
    control(what, plural, object);
  };
  clock.on_sleep = [this] {
    if (terminal_) {
      terminal_->ctrl_c |= ctrl_c_while_waiting;
    }
    if (meanwhile) {
      meanwhile();
    }
  };
}

std::unique_ptr<VerbBed> VerbBed::whole(const manifest::ClusterSpec& spec) {
  auto bed = std::make_unique<VerbBed>();
  bed->put_cluster(spec);
  bed->model.form(spec.masters);
  bed->kube.changes.clear();
  return bed;
}

plugin::Means VerbBed::means() {
  return {.terminal = terminal_.get(),
          .clock = &clock,
          .kube = [this](const kube::KubeOptions& options) -> Result<plugin::KubeAccess> {
            if (no_access) {
              return *no_access;
            }
            plugin::KubeAccess access{.port = std::make_unique<LentKube>(kube)};
            access.namespace_ = options.namespace_.empty() ? k_namespace : options.namespace_;
            return access;
          },
          .redis = [this](ports::KubePort&, const auto&, const auto&, redis::Via)
              -> Result<std::unique_ptr<ports::RedisPort>> {
            return std::unique_ptr<ports::RedisPort>(std::make_unique<LentRedis>(redis));
          }};
}

Ran VerbBed::run(const std::vector<std::string>& words) {
  terminal_ = std::make_unique<FakeTerminal>();
  terminal_->asks = asks;
  terminal_->answers = answers;
  const plugin::Invocation invocation =
      plugin::parse_command_line(words, terminal_->out(), terminal_->err());
  const core::ExitStatus exit = plugin::run(invocation, means());
  answers = terminal_->answers;
  ctrl_c_while_waiting = false;
  return {exit, terminal_->printed(), terminal_->said()};
}

void VerbBed::put_cluster(const manifest::ClusterSpec& spec) {
  manifest::ClusterSpec here = spec;
  here.namespace_ = k_namespace;
  for (const Json& object : manifest::objects(here)) {
    const std::string kind = object.at("kind");
    const std::string plural = kind == "ConfigMap"     ? "configmaps"
                               : kind == "Service"     ? "services"
                               : kind == "StatefulSet" ? "statefulsets"
                                                       : "poddisruptionbudgets";
    const bool applied =
        kube.apply(
                {{object.at("apiVersion"), plural}, k_namespace, object.at("metadata").at("name")},
                object,
                ports::Force::no,
                ports::DryRun::no)
            .has_value();
    if (!applied) {
      throw std::runtime_error("the bed's cluster could not be made");
    }
  }
}

void VerbBed::edit(const std::string& plural,
                   const std::string& name,
                   const std::function<void(Json&)>& change) {
  Json object = kube.object(plural, name);
  change(object);
  kube.put(plural, object);
}

void VerbBed::silence(const std::string& pod) {
  ModelNode& node = model.node(pod);
  node.up = false;
  redis.kill(node.host);
}

void VerbBed::set_config(const std::string& name, const std::string& value) {
  edit("configmaps", "redis-conf", [&](Json& map) {
    auto& text = map["data"]["redis.conf"].get_ref<std::string&>();
    text += name + " " + value + "\n";
  });
}

void VerbBed::hold_lease() {
  Json lease = named(k_lease);
  lease["metadata"]["namespace"] = k_namespace;
  lease["metadata"]["annotations"] = {{"kubectl-redis.dev/doing", "kubectl redis failover redis"}};
  lease["spec"] = {{"holderIdentity", "jane@laptop/42"}, {"acquireTime", "2026-11-29T12:00:00Z"}};
  meanwhile = [this, lease, version = 0]() mutable {
    lease["metadata"]["resourceVersion"] = "renewed-" + std::to_string(++version);
    kube.put("leases", lease);
  };
  meanwhile();
}

std::vector<std::string> VerbBed::restarts() const {
  const std::string start = "delete pods/";
  std::vector<std::string> pods;
  for (const std::string& change : kube.changes) {
    if (change.starts_with(start)) {
      pods.push_back(change.substr(start.size()));
    }
  }
  return pods;
}

/// What the controllers make of a change.
void VerbBed::control(const std::string& what, const std::string& plural, const Json& object) {
  if (plural == "statefulsets" && what == "apply") {
    for (int i = 0; i < object.at("spec").at("replicas").get<int>(); ++i) {
      make_pod(object, i);
    }
  } else if (plural == "statefulsets" && what == "delete") {
    for (int i = 0; i < object.at("spec").at("replicas").get<int>(); ++i) {
      kube.drop("pods", text_at(object, "/metadata/name") + "-" + std::to_string(i));
    }
  } else if (plural == "pods" && what == "create" && pods_get_ready) {
    edit("pods", text_at(object, "/metadata/name"), [](Json& pod) {
      pod["status"] = well("10.2.0.1");
    });
  } else if (plural == "pods" && what == "delete") {
    const std::string name = text_at(object, "/metadata/name");
    const Json workload =
        kube.object("statefulsets", text_at(object, "/metadata/ownerReferences/0/name"));
    if (!workload.is_null()) {
      redis.kill(text_at(object, "/status/podIP"));
      make_pod(workload, ordinal_of(name));
    }
  }
}

void VerbBed::make_pod(const Json& workload, int ordinal) {
  const std::string host = address(++last_address_);
  Json pod = pod_of(workload, ordinal, host);
  const std::string name = text_at(pod, "/metadata/name");
  const bool is_there = !kube.object("pods", name).is_null();
  if (is_there) {
    return;
  }
  if (!pods_get_ready) {
    pod["status"]["conditions"][0]["status"] = "False";
  }
  for (const Json& claim : workload.at("spec").value("volumeClaimTemplates", Json::array())) {
    Json made = claim;
    made["metadata"]["name"] = text_at(claim, "/metadata/name") + "-" + name;
    made["metadata"]["namespace"] = workload.at("metadata").at("namespace");
    kube.put("persistentvolumeclaims", made);
  }
  kube.put("pods", pod);
  start_redis(name, ordinal, host);
}

/// A node that comes back is who it was, at another address, with the file as it is now.
void VerbBed::start_redis(const std::string& pod, int ordinal, const std::string& host) {
  ModelNode& node = model.has(pod) ? model.node(pod) : model.add(pod, ordinal, host);
  node.host = host;
  node.up = true;
  node.settings =
      started_with(text_at(kube.object("configmaps", "redis-conf"), "/data/redis.conf"));
  if (after_start) {
    after_start(node);
  }
  redis.put(host,
            [this, host](const core::Command& command) { return model.answer(host, command); });
}

}  // namespace kredis::tests
