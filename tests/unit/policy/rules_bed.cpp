// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/policy/rules_bed.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "shared/kube/yaml_documents.hpp"
#include "shared/policy/json_access.hpp"

namespace kredis::policy {
namespace {

std::string_view kind_for(Place place) {
  switch (place) {
    case Place::deployment:
      return "Deployment";
    case Place::config:
      return "ConfigMap";
    case Place::service:
      return "Service";
    case Place::budget:
      return "PodDisruptionBudget";
    case Place::workload:
    case Place::pod:
    case Place::container:
      break;
  }
  return "StatefulSet";
}

}  // namespace

Objects sound_objects(manifest::Layout layout) {
  Objects objects = manifest::objects({.layout = layout});
  for (Json& object : objects) {
    object["metadata"]["labels"].erase("app.kubernetes.io/managed-by");
  }
  if (layout == manifest::Layout::statefulset) {
    Json& spec = first(objects, "StatefulSet")["spec"]["template"]["spec"];
    spec["topologySpreadConstraints"] = from_yaml(
        "- {maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: ScheduleAnyway,"
        " labelSelector: {matchLabels: {app: redis}}}\n");
  }
  return objects;
}

Surroundings beside(const Objects& objects) {
  return {
      .find = [&objects](
                  std::string_view kind, std::string_view, std::string_view name) -> const Json* {
        for (const Json& each : objects) {
          if (text(member(each, {"kind"})) == kind &&
              text(member(each, {"metadata", "name"})) == name) {
            return &each;
          }
        }
        return nullptr;
      },
      .list =
          [&objects](std::string_view kind, std::string_view) {
            std::vector<const Json*> found;
            for (const Json& each : objects) {
              if (text(member(each, {"kind"})) == kind) {
                found.push_back(&each);
              }
            }
            return found;
          }};
}

Json& first(Objects& objects, std::string_view kind) {
  for (Json& each : objects) {
    if (each["kind"] == kind) {
      return each;
    }
  }
  FAIL("no object of kind ", std::string(kind));
  return objects.front();
}

Json from_yaml(std::string_view text) {
  const auto documents = kube::parse_yaml_documents(text);
  INFO(std::string(text));
  REQUIRE(documents.has_value());
  REQUIRE(documents->size() == 1);
  return documents->front().value;
}

Json hand_made_set(std::string_view launch) {
  Json set = from_yaml(R"(
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: shop}
spec:
  replicas: 6
  serviceName: shop-nodes
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers:
      - name: redis
        image: redis:7.4
        volumeMounts:
        - {name: conf, mountPath: /conf}
        - {name: data, mountPath: /data}
      volumes:
      - {name: conf, configMap: {name: shop-conf}}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
)");
  set["spec"]["template"]["spec"]["containers"][0].merge_patch(from_yaml(launch));
  return set;
}

std::string read_file(const std::string& path) {
  const std::ifstream file(std::string(KREDIS_SOURCE_DIR) + "/" + path);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

Objects documents_in(const std::string& path) {
  Objects objects;
  const auto documents = kube::parse_yaml_documents(read_file(path));
  REQUIRE(documents.has_value());
  for (const auto& document : *documents) {
    objects.push_back(document.value);
  }
  return objects;
}

Objects with_example(const Rule& rule, std::string_view example) {
  const Place place = rule.documentation.place;
  Objects objects = sound_objects(place == Place::deployment ? manifest::Layout::deployment
                                                             : manifest::Layout::statefulset);
  Json& object = first(objects, kind_for(place));
  if (place == Place::config) {
    Json& config = object["data"]["redis.conf"];
    config = config.get<std::string>() + std::string(example);
    return objects;
  }
  const Json change = from_yaml(example);
  if (place == Place::pod) {
    object["spec"]["template"]["spec"].merge_patch(change);
  } else if (place == Place::container) {
    object["spec"]["template"]["spec"]["containers"][0].merge_patch(change);
  } else {
    object.merge_patch(change);
  }
  return objects;
}

std::vector<Objection> objections_to(const Objects& objects) {
  std::vector<Objection> all;
  for (const Json& object : objects) {
    const Verdict verdict = validate(object, beside(objects));
    all.insert(all.end(), verdict.objections.begin(), verdict.objections.end());
  }
  return all;
}

std::string line_of(const Objection& objection) {
  return objection.rule + " " + std::string(to_text(objection.severity)) + " " + objection.path +
         ": " + objection.message + " [" + objection.found + " -> " + objection.wanted + "]";
}

}  // namespace kredis::policy
