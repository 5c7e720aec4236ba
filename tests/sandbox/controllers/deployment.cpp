// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/controllers/deployment.hpp"

#include <algorithm>
#include <utility>

#include "tests/sandbox/controllers/ownership.hpp"

namespace kredis::sandbox {
namespace {

constexpr const char* k_deployment_controller = "deployment-controller";
constexpr const char* k_hash_label = "pod-template-hash";
constexpr const char* k_revision_note = "deployment.kubernetes.io/revision";

Objects sets_of(Context& context, const Json& deployment) {
  return owned_by(context, deployment, "apps", "replicasets");
}

std::int64_t revision_of(const Json& set) {
  const std::string text = annotation_of(set, k_revision_note);
  return text.empty() ? 0 : std::stoll(text);
}

Json make_set(const Json& deployment, const std::string& hash) {
  Json pod_template = at(deployment, "spec.template");
  pod_template["metadata"]["labels"][k_hash_label] = hash;
  Json selector = at(deployment, "spec.selector");
  selector["matchLabels"][k_hash_label] = hash;
  Json labels = pod_template["metadata"]["labels"];
  return {{"apiVersion", "apps/v1"},
          {"kind", "ReplicaSet"},
          {"metadata",
           {{"name", name_of(deployment) + "-" + hash},
            {"namespace", namespace_of(deployment)},
            {"labels", std::move(labels)},
            {"ownerReferences", {controller_reference(deployment)}}}},
          {"spec",
           {{"replicas", 0},
            {"minReadySeconds", number_at(deployment, "spec.minReadySeconds")},
            {"selector", std::move(selector)},
            {"template", std::move(pod_template)}}},
          {"status", {{"replicas", 0}}}};
}

// The set of the present template, made when missing, with the highest revision number.
std::string sync_newest(Context& context, const Json& deployment) {
  const std::string hash = short_hash(at(deployment, "spec.template").dump());
  const Key key{"apps", "replicasets", namespace_of(deployment), name_of(deployment) + "-" + hash};
  ensure(context.store, key, make_set(deployment, hash));
  std::int64_t highest = 0;
  for (const Object& set : sets_of(context, deployment)) {
    highest = name_of(*set) == key.name ? highest : std::max(highest, revision_of(*set));
  }
  const Object newest = context.store.get(key);
  const std::int64_t revision = newest == nullptr ? 0 : std::max(revision_of(*newest), highest + 1);
  const auto note = [&](Json& object) {
    object["metadata"]["annotations"][k_revision_note] = std::to_string(revision);
  };
  update_status(context.store, key, note);
  update_status(context.store, key_of("apps", "deployments", deployment), note);
  return key.name;
}

void scale_set(Context& context,
               const Json& deployment,
               const std::string& name,
               std::int64_t replicas) {
  const Key key{"apps", "replicasets", namespace_of(deployment), name};
  const Object set = context.store.get(key);
  if (set == nullptr || number_at(*set, "spec.replicas") == replicas) {
    return;
  }
  const bool up = number_at(*set, "spec.replicas") < replicas;
  update_status(context.store, key, [&](Json& changed) { changed["spec"]["replicas"] = replicas; });
  record_event(context,
               deployment,
               {Severity::normal,
                "ScalingReplicaSet",
                std::string("Scaled ") + (up ? "up" : "down") + " replica set " + name + " to " +
                    std::to_string(replicas),
                k_deployment_controller});
}

void drop_old_sets(Context& context, const Json& deployment, const std::string& newest) {
  Objects old;
  for (const Object& set : sets_of(context, deployment)) {
    const bool idle =
        number_at(*set, "spec.replicas") == 0 && number_at(*set, "status.replicas") == 0;
    if (name_of(*set) != newest && idle) {
      old.push_back(set);
    }
  }
  std::sort(old.begin(), old.end(), [](const Object& left, const Object& right) {
    return revision_of(*left) < revision_of(*right);
  });
  const auto kept =
      static_cast<std::size_t>(number_at(deployment, "spec.revisionHistoryLimit", 10));
  for (std::size_t i = 0; i + kept < old.size(); ++i) {
    request_deletion(context.store, key_of("apps", "replicasets", *old[i]), context.now);
  }
}

std::int64_t sum_of(const Objects& sets, std::string_view path) {
  std::int64_t sum = 0;
  for (const Object& set : sets) {
    sum += number_at(*set, path);
  }
  return sum;
}

struct Budget {
  std::int64_t surge;
  std::int64_t absent;
};

Budget budget_of(const Json& deployment, std::int64_t wanted) {
  const Json& rolling = at(deployment, "spec.strategy.rollingUpdate");
  const Json quarter = "25%";
  const Json& surge = at(rolling, "maxSurge");
  const Json& absent = at(rolling, "maxUnavailable");
  Budget budget{share_of(surge.is_null() ? quarter : surge, wanted, Rounding::up),
                share_of(absent.is_null() ? quarter : absent, wanted, Rounding::down)};
  if (budget.surge == 0 && budget.absent == 0) {
    budget.absent = 1;  // As Kubernetes does: otherwise nothing could ever move.
  }
  return budget;
}

}  // namespace

std::int64_t share_of(const Json& value, std::int64_t total, Rounding rounding) {
  if (value.is_number()) {
    return value.get<std::int64_t>();
  }
  const std::string text = value.is_string() ? value.get<std::string>() : "0";
  const std::int64_t percent = std::atoll(text.c_str());
  return text.ends_with('%') ? (percent * total + (rounding == Rounding::up ? 99 : 0)) / 100
                             : percent;
}

std::map<std::string, std::int64_t> plan_deployment(const Json& deployment,
                                                    const Objects& sets,
                                                    const std::string& newest) {
  const std::int64_t wanted = number_at(deployment, "spec.replicas", 1);
  std::map<std::string, std::int64_t> plan;
  std::int64_t old_pods = 0;
  for (const Object& set : sets) {
    plan[name_of(*set)] = number_at(*set, "spec.replicas");
    if (name_of(*set) != newest) {
      old_pods += std::max(number_at(*set, "spec.replicas"), number_at(*set, "status.replicas"));
    }
  }
  if (true_at(deployment, "spec.paused") && old_pods > 0) {
    return plan;
  }
  if (text_at(deployment, "spec.strategy.type") == "Recreate") {
    for (auto& [name, replicas] : plan) {
      replicas = name == newest && old_pods == 0 ? wanted : (name == newest ? replicas : 0);
    }
    return plan;
  }
  const Budget budget = budget_of(deployment, wanted);
  std::int64_t all = 0;
  for (const auto& [name, replicas] : plan) {
    all += replicas;
  }
  const std::int64_t room = std::max<std::int64_t>(wanted + budget.surge - all, 0);
  plan[newest] = std::min(wanted, plan[newest] + room);
  // Old pods go while enough pods are available; those that are not available go first of all.
  std::int64_t spare = sum_of(sets, "status.availableReplicas") - (wanted - budget.absent);
  for (const Object& set : sets) {
    const std::string name = name_of(*set);
    if (name == newest) {
      continue;
    }
    const std::int64_t broken =
        std::max<std::int64_t>(plan[name] - number_at(*set, "status.availableReplicas"), 0);
    plan[name] -= broken;
    const std::int64_t removed = std::clamp<std::int64_t>(spare, 0, plan[name]);
    plan[name] -= removed;
    spare -= removed;
  }
  return plan;
}

Json deployment_status(const Json& deployment,
                       const Objects& sets,
                       const std::string& newest,
                       TimePoint now) {
  Json holder{
      {"status", at(deployment, "status").is_object() ? at(deployment, "status") : Json::object()}};
  const std::int64_t wanted = number_at(deployment, "spec.replicas", 1);
  const std::int64_t all = sum_of(sets, "status.replicas");
  const std::int64_t available = sum_of(sets, "status.availableReplicas");
  std::int64_t updated = 0;
  for (const Object& set : sets) {
    updated += name_of(*set) == newest ? number_at(*set, "status.replicas") : 0;
  }
  Json& status = holder["status"];
  status["observedGeneration"] = number_at(deployment, "metadata.generation", 1);
  status["replicas"] = all;
  status["updatedReplicas"] = updated;
  status["readyReplicas"] = sum_of(sets, "status.readyReplicas");
  status["availableReplicas"] = available;
  status["unavailableReplicas"] = std::max<std::int64_t>(std::max(wanted, all) - available, 0);
  const bool enough = available >= wanted - budget_of(deployment, wanted).absent;
  set_condition(holder,
                enough ? Condition{"Available",
                                   "True",
                                   "MinimumReplicasAvailable",
                                   "Deployment has minimum availability."}
                       : Condition{"Available",
                                   "False",
                                   "MinimumReplicasUnavailable",
                                   "Deployment does not have minimum availability."},
                now);
  const bool complete = updated == wanted && all == wanted && available == wanted;
  set_condition(holder,
                {"Progressing",
                 "True",
                 complete ? "NewReplicaSetAvailable" : "ReplicaSetUpdated",
                 "ReplicaSet \"" + newest + "\" " +
                     (complete ? "has successfully progressed." : "is progressing.")},
                now);
  return holder["status"];
}

void reconcile_deployments(Context& context) {
  for (const Object& deployment : context.store.list("apps", "deployments")) {
    if (is_terminating(*deployment)) {
      continue;
    }
    const std::string newest = sync_newest(context, *deployment);
    for (const auto& [name, replicas] :
         plan_deployment(*deployment, sets_of(context, *deployment), newest)) {
      scale_set(context, *deployment, name, replicas);
    }
    drop_old_sets(context, *deployment, newest);
    const Objects sets = sets_of(context, *deployment);
    update_status(context.store, key_of("apps", "deployments", *deployment), [&](Json& changed) {
      if (at(changed, "metadata.generation") == at(*deployment, "metadata.generation")) {
        changed["status"] = deployment_status(changed, sets, newest, context.now);
      }
    });
  }
}

}  // namespace kredis::sandbox
