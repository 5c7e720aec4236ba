// SPDX-License-Identifier: Apache-2.0
//
// What Redis will see, not what a file says alone; patches that would make something worse; and
// what is said of objects that nobody can judge.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "shared/policy/json_access.hpp"
#include "shared/policy/not_judged.hpp"
#include "shared/policy/review.hpp"
#include "shared/policy/subject.hpp"
#include "tests/unit/policy/rules_bed.hpp"

namespace kredis::policy {
namespace {

Json conf_map(std::string_view lines, const char* key = "redis.conf") {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", {{"name", "shop-conf"}}},
          {"data", {{key, std::string(lines)}}}};
}

constexpr const char* k_sound_lines =
    "cluster-enabled yes\ncluster-config-file nodes.conf\nappendonly yes\ndir /data\n";

/// `container` and `pod`: YAML that is merged into a StatefulSet that is sound.
Json store(std::string_view container, std::string_view pod = "{}") {
  Json set = hand_made_set("command: [redis-server, /conf/redis.conf]");
  Json& spec = set["spec"]["template"]["spec"];
  spec["containers"][0].merge_patch(from_yaml(container));
  spec.merge_patch(from_yaml(pod));
  return set;
}

/// "RC036 error" for every finding of that rule.
std::vector<std::string> found(const Objects& objects, std::string_view rule) {
  std::vector<std::string> lines;
  for (const Objection& each : objections_to(objects)) {
    if (each.rule == rule) {
      lines.push_back(each.rule + " " + std::string(to_text(each.severity)));
    }
  }
  return lines;
}

using Lines = std::vector<std::string>;

Json patched(const Objects& objects, std::size_t which) {
  return mutate(objects[which], beside(objects)).mutated;
}

const Json& server_of(const Json& set) { return set["spec"]["template"]["spec"]["containers"][0]; }

}  // namespace

TEST_SUITE("policy/what_runs") {
  TEST_CASE("a ConfigMap is judged by the key that a server starts from") {
    const std::string bad = std::string(k_sound_lines) + "daemonize yes\n";
    Json map = conf_map(bad, "other-name");
    map["data"]["redis.conf"] = "cluster-enabled no\n";
    const Json set = store("{}",
                           "{volumes: [{name: conf, configMap: {name: shop-conf, items: [{key: "
                           "other-name, path: redis.conf}]}}]}");
    CHECK(found({map, set}, "RC035") == Lines{"RC035 error"});
    CHECK(found({map, set}, "RC034").empty());
  }

  TEST_CASE("a ConfigMap that nobody starts from is not refused") {
    const Json map = conf_map(std::string(k_sound_lines) + "bind 127.0.0.1\n");
    const Json other = store("{image: \"vendor/redis-cluster:7\", command: [/opt/run.sh]}");
    CHECK(found({map, other}, "RC036") == Lines{"RC036 warning"});
    CHECK(found({map, store("{}")}, "RC036") == Lines{"RC036 error"});
    Json marked = map;
    marked["metadata"]["labels"]["appCluster"] = "shop";
    CHECK(found({marked, other}, "RC036") == Lines{"RC036 error"});
  }

  TEST_CASE("a workload answers for the file that was let in before it") {
    const Objects objects{conf_map(std::string(k_sound_lines) + "daemonize yes\n")};
    const Json set = store("{}");
    Surroundings around = beside(objects);
    CHECK(validate(set, around).has(RuleSeverity::error) == false);
    around.workload_answers = true;
    const auto objections = validate(set, around).objections;
    REQUIRE_FALSE(objections.empty());
    CHECK(objections[0].rule == "RC035");
    CHECK(objections[0].message.find("ConfigMap shop-conf: ") == 0);
  }

  TEST_CASE("an argument wins over the file's line, and a script may rewrite it") {
    const Json off = conf_map("cluster-enabled yes\ndir /data\nappendonly no\n");
    CHECK(found({off, store("{}")}, "RC037") == Lines{"RC037 warning"});
    CHECK(found({off, store("{args: [--appendonly, \"yes\"]}")}, "RC037").empty());
    const Json address = conf_map(std::string(k_sound_lines) + "cluster-announce-ip ${POD_IP}\n");
    const Json filled = store(
        "{command: [sh, -c, 'sed \"s/\\${POD_IP}/$POD_IP/\" /conf/redis.conf > /tmp/r && exec "
        "redis-server /tmp/r']}");
    CHECK(found({address, filled}, "RC043").empty());
    CHECK(found({address, store("{}")}, "RC043") == Lines{"RC043 error"});
  }

  TEST_CASE("an address in a file of one pod may be its own") {
    const Json map = conf_map(std::string(k_sound_lines) + "cluster-announce-ip 10.96.0.7\n");
    Json one = store("{}");
    one["spec"]["replicas"] = 1;
    CHECK(found({map, one}, "RC043").empty());
    CHECK(found({map, store("{}")}, "RC043") == Lines{"RC043 error"});
  }

  TEST_CASE("what an include may set is not claimed to be missing") {
    const Json map = conf_map(std::string(k_sound_lines) + "include /auth/more.conf\n");
    const Json vendor = store("{image: \"example.org/team/server:7\"}");
    CHECK(found({map, vendor}, "RC019").empty());
    CHECK(found({conf_map(k_sound_lines), vendor}, "RC019") == Lines{"RC019 error"});
    CHECK(found({conf_map(k_sound_lines), store("{}")}, "RC019").empty());
  }

  TEST_CASE("a password that replicas do not have is an error, unless they may have it") {
    const Json map = conf_map(k_sound_lines);
    const auto rule = [&](const char* args) { return found({map, store(args)}, "RC076"); };
    CHECK(rule("{args: [--requirepass, $(P)]}") == Lines{"RC076 error"});
    CHECK(rule("{args: [--requirepass, $(P), --masterauth, $(P)]}").empty());
    CHECK(rule("{args: [--requirepass, $(P), --primaryauth, $(P)]}").empty());
    CHECK(rule("{args: [--requirepass, '']}").empty());
    CHECK(rule("{args: [--user, default, on, '>p', '~*', '+@all']}") == Lines{"RC076 error"});
    const Json including = conf_map(std::string(k_sound_lines) + "include /a\nrequirepass x\n");
    CHECK(found({including, store("{}")}, "RC076").empty());
  }

  TEST_CASE("booleans and numbers where texts belong are named at their place") {
    const Objects objects{
        conf_map(k_sound_lines),
        store("{args: [--appendonly, yes, --port, 6379], env: [{name: A, value: on}]}")};
    std::vector<std::string> paths;
    for (const Objection& each : objections_to(objects)) {
      if (each.rule == "RC077") {
        paths.push_back(each.path.substr(each.path.rfind("/0/") + 3));
      }
    }
    CHECK(paths == Lines{"args/1", "args/3", "value"});
  }

  TEST_CASE("persistence is missed in arguments as in a file") {
    CHECK(found({store("{command: [redis-server, --cluster-enabled, \"yes\"]}")}, "RC037") ==
          Lines{"RC037 warning"});
  }
}

TEST_SUITE("policy/no_worse") {
  TEST_CASE("a claim is mounted where Redis writes") {
    Json set = store("{volumeMounts: [{name: conf, mountPath: /conf}]}");
    set["spec"].erase("volumeClaimTemplates");
    const Objects objects{conf_map("cluster-enabled yes\nappendonly yes\n"), set};
    const Json made = patched(objects, 1);
    CHECK(server_of(made)["volumeMounts"][1]["mountPath"] == "/data");
    CHECK(found({objects[0], made}, "RC030").empty());
    Json elsewhere = set;
    elsewhere["spec"]["template"]["spec"]["containers"][0]["image"] = "example.org/team/server:7";
    const Objects unknown{objects[0], elsewhere};
    CHECK(server_of(patched(unknown, 1))["volumeMounts"].size() == 1);
  }

  TEST_CASE("no other user where something counts on the one there is") {
    const Json map = conf_map(k_sound_lines);
    const auto user = [&](const Json& set) {
      return patched({map, set}, 1)["spec"]["template"]["spec"].contains("securityContext");
    };
    CHECK(user(store("{}")));
    CHECK_FALSE(user(store("{}", "{initContainers: [{name: a, image: busybox}]}")));
    CHECK_FALSE(user(store("{}",
                           "{volumes: [{name: conf, configMap: {name: shop-conf}}, {name: x, "
                           "hostPath: {path: /x}}]}")));
    CHECK_FALSE(user(store("{command: [sh, -c, exec redis-server /conf/redis.conf]}")));
    CHECK_FALSE(user(store("{image: \"bitnami/redis:7.4\"}")));
  }

  TEST_CASE("a hook that hands over knows the password, or is not written") {
    const Json map = conf_map(k_sound_lines);
    const char* const with_variable =
        "{args: [--requirepass, $(P), --masterauth, $(P)], env: [{name: P, valueFrom: "
        "{secretKeyRef: {name: s, key: p}}}]}";
    const std::string hook = server_of(patched({map, store(with_variable)}, 1))["lifecycle"].dump();
    CHECK(hook.find("export REDISCLI_AUTH=\\\"$P\\\"") != std::string::npos);
    for (const char* unknown : {"{args: [--requirepass, secret]}", "{args: [--aclfile, /a]}"}) {
      const Objects objects{map, store(unknown)};
      const Json made = patched(objects, 1);
      CHECK_FALSE(server_of(made).contains("lifecycle"));
      CHECK(found({map, made}, "RC060") == Lines{"RC060 warning"});
    }
  }

  TEST_CASE("a Service with an address never publishes nodes that are not ready") {
    for (const bool headless : {true, false}) {
      Json service = {{"apiVersion", "v1"},
                      {"kind", "Service"},
                      {"metadata", {{"name", "shop-nodes"}}},
                      {"spec", {{"selector", {{"app", "shop"}}}, {"ports", {{{"port", 6379}}}}}}};
      if (headless) {
        service["spec"]["clusterIP"] = "None";
      }
      const Objects objects{conf_map(k_sound_lines), store("{}"), service};
      CHECK(patched(objects, 2)["spec"].contains("publishNotReadyAddresses") == headless);
    }
  }

  TEST_CASE("no memory request below what the data may take") {
    const auto requests = [](const std::string& more) {
      return server_of(
          patched({conf_map(k_sound_lines + more), store("{}")}, 1))["resources"]["requests"];
    };
    CHECK(requests("").contains("memory"));
    CHECK(requests("maxmemory 100mb\n").contains("memory"));
    CHECK_FALSE(requests("maxmemory 101mb\n").contains("memory"));
    CHECK_FALSE(requests("include /more\n").contains("memory"));
  }

  TEST_CASE("no patch adds a finding, whatever is missing") {
    const char* const containers[] = {"{}",
                                      "{command: null}",
                                      "{volumeMounts: null}",
                                      "{command: [redis-server]}",
                                      "{workingDir: /srv}",
                                      "{args: [--dir, /elsewhere]}",
                                      "{args: [--port, \"7000\"]}",
                                      "{args: [--port, $(PORT)]}",
                                      "{image: \"vendor/redis-cluster:1\"}",
                                      "{command: [sh, -c, redis-server /conf/redis.conf]}"};
    for (const char* container : containers) {
      for (const char* lines : {k_sound_lines, "cluster-enabled yes\n", "port 7000\n"}) {
        CAPTURE(std::string(container));
        CAPTURE(std::string(lines));
        Json set = store(container);
        set["metadata"]["labels"]["appCluster"] = "shop";
        const Objects before{conf_map(lines), set};
        const Objects after{before[0], patched(before, 1)};
        const auto old = objections_to(before);
        for (const Objection& each : objections_to(after)) {
          CHECK_MESSAGE(std::ranges::any_of(old,
                                            [&](const Objection& other) {
                                              return other.rule == each.rule &&
                                                     other.path == each.path;
                                            }),
                        line_of(each));
        }
        CHECK(mutate(after[1], beside(after)).patch.empty());
      }
    }
  }
}

TEST_SUITE("policy/branches") {
  TEST_CASE("what only one branch of a script says is not known") {
    const auto port_of = [](const std::string& script) {
      Objects objects{conf_map(std::string(k_sound_lines) + "port 7000\n"), store("{}")};
      objects[0]["data"]["other.conf"] = std::string(k_sound_lines) + "port 7001\n";
      objects[1]["spec"]["template"]["spec"]["containers"][0]["command"] = {"sh", "-c", script};
      const Surroundings around = beside(objects);
      CHECK(is_redis_cluster(objects[1], around));
      return Subject(objects[1], around).client_port();
    };
    const std::string one = "redis-server /conf/redis.conf";
    CHECK(port_of("if [ -f /x ]; then " + one + "; else redis-server /conf/other.conf; fi") ==
          std::nullopt);
    CHECK(port_of("case $ROLE in a) " + one + ";; *) redis-server /conf/other.conf;; esac") ==
          std::nullopt);
    CHECK(port_of("if [ -f /x ]; then P=7; else P=8; fi; " + one + " --port $P") == std::nullopt);
    CHECK(port_of("for i in 1 2; do P=$i; done; " + one + " --port $P") == std::nullopt);
    CHECK(port_of("if [ -f /x ]; then date; fi; P=8; " + one + " --port $P") == 8);
    CHECK(port_of("if [ -f /x ]; then " + one + "; else " + one + "; fi") == 7000);
    CHECK(port_of("[ -z $P ] && P=7; " + one + " --port $P") == std::nullopt);
    CHECK(port_of("P=8; [ -f /x ] &&\n  P=7\n" + one + " --port $P") == std::nullopt);
    CHECK(port_of("P=8; [ -f /x ] && date && P=7; " + one + " --port $P") == std::nullopt);
    CHECK(port_of("P=8; test -f /x && { date; P=7; }; " + one + " --port $P") == std::nullopt);
    CHECK(port_of("[ -f /x ] && { date; }; P=8; " + one + " --port $P") == 8);
    CHECK(port_of("cd /conf && P=8 && " + one + " --port $P") == 8);
    CHECK(port_of("[ -f /conf/redis.conf ] && " + one) == 7000);
  }
}

TEST_SUITE("policy/requests") {
  TEST_CASE("a request for less memory than the data may take is told") {
    struct Row {
      const char* resources;
      const char* lines;
      bool told;
    };
    constexpr std::array<Row, 5> k_rows{{
        {"{cpu: 1, memory: 99Mi}", "maxmemory 100mb\n", true},
        {"{cpu: 1, memory: 100Mi}", "maxmemory 100mb\n", false},
        {"{cpu: 1, memory: 104857599}", "maxmemory 100mb\n", true},
        {"{cpu: 1, memory: 1Mi}", "maxmemory 0\n", false},
        {"{cpu: 1, memory: 1Mi}", "", false},
    }};
    for (const Row& row : k_rows) {
      CAPTURE(std::string(row.resources));
      CAPTURE(std::string(row.lines));
      const Objects objects{conf_map(std::string(k_sound_lines) + row.lines),
                            store("{resources: {requests: " + std::string(row.resources) + "}}")};
      CHECK(found(objects, "RC062") == (row.told ? Lines{"RC062 warning"} : Lines{}));
    }
  }
}

namespace {

Json half(const char* name, std::string_view container = "{}") {
  Json set = store(container);
  set["metadata"]["name"] = std::string("shop-") + name;
  set["spec"]["replicas"] = 3;
  set["spec"]["selector"]["matchLabels"]["role"] = name;
  set["spec"]["template"]["metadata"]["labels"]["role"] = name;
  return set;
}

}  // namespace

TEST_SUITE("policy/siblings") {
  TEST_CASE("workloads of one cluster are counted, labelled and kept apart together") {
    const Objects both{conf_map(k_sound_lines), half("leader"), half("follower")};
    CHECK(found(both, "RC008").empty());
    CHECK(found({both[0], both[1]}, "RC008") == Lines{"RC008 warning"});
    for (const std::size_t which : {1U, 2U}) {
      const Json made = patched(both, which);
      CHECK(made["metadata"]["labels"]["kubectl-redis.dev/cluster"] == "shop");
      const Json term = made["spec"]["template"]["spec"]["affinity"]["podAntiAffinity"]
                            ["preferredDuringSchedulingIgnoredDuringExecution"][0];
      CHECK(term["podAffinityTerm"]["labelSelector"]["matchLabels"] == Json{{"app", "shop"}});
    }
  }

  TEST_CASE("one file and a label, or one headless Service without a file, make one cluster") {
    const Json map = conf_map(k_sound_lines);
    Json other = half("other");
    other["spec"]["serviceName"] = "elsewhere";
    CHECK(found({map, half("leader"), other}, "RC008").empty());
    other["spec"]["selector"]["matchLabels"]["app"] = "elsewhere";
    other["spec"]["template"]["metadata"]["labels"]["app"] = "elsewhere";
    CHECK(found({map, half("leader"), other}, "RC008").size() == 2);

    constexpr std::string_view k_bare =
        "{command: [redis-server], args: [--cluster-enabled, \"yes\"]}";
    Objects bare{half("leader", k_bare), half("follower", k_bare)};
    CHECK(found(bare, "RC008").empty());
    bare[1]["spec"]["serviceName"] = "elsewhere";
    CHECK(found(bare, "RC008").size() == 2);
    bare.push_back({{"kind", "Service"},
                    {"metadata", {{"name", "all"}}},
                    {"spec", {{"clusterIP", "None"}, {"selector", {{"app", "shop"}}}}}});
    CHECK(found(bare, "RC008").empty());
  }

  TEST_CASE("who comes later takes the name that its cluster was given, and is completed") {
    Objects both{conf_map(k_sound_lines), half("leader")};
    both[1] = patched(both, 1);
    CHECK(both[1]["metadata"]["labels"]["kubectl-redis.dev/cluster"] == "shop-leader");
    both.push_back(half("follower"));
    const Json made = patched(both, 2);
    CHECK(made["metadata"]["labels"]["kubectl-redis.dev/cluster"] == "shop-leader");
    CHECK(made["spec"]["template"]["spec"]["containers"][0].contains("lifecycle"));
  }
}

TEST_SUITE("policy/not_judged") {
  TEST_CASE("who runs Redis and is not judged is told why") {
    struct Row {
      Json object;
      const char* because;
    };
    const Objects objects{conf_map(k_sound_lines)};
    Json owned = store("{}");
    owned["metadata"]["ownerReferences"] = {
        {{"kind", "RedisCluster"}, {"name", "shop"}, {"controller", true}}};
    Json daemons = store("{}");
    daemons["kind"] = "DaemonSet";
    Json ignored = store("{command: [/run.sh], image: \"bitnami/redis:7\"}");
    ignored["metadata"]["annotations"]["kubectl-redis.dev/ignore"] = "true";
    Json old = store("{}");
    old["apiVersion"] = "extensions/v1beta1";
    Json broken = store("{}");
    broken["piVersion"] = "apps/v1";
    broken.erase("apiVersion");
    const std::vector<Row> rows{
        {store("{}"), ""},
        {store("{command: [nginx], name: web, image: nginx}"), ""},
        {store("{command: [redis-server, --appendonly, \"yes\"]}"), ""},
        {store("{command: [redis-server, /s.conf, --sentinel]}"), ""},
        {store("{}", "{volumes: [{name: conf, configMap: {name: made-later}}]}"),
         "the ConfigMap made-later is not here"},
        {store("{}", "{volumes: [{name: conf, secret: {secretName: hidden}}]}"),
         "the Secret hidden holds it"},
        {store("{command: [/run.sh], image: \"bitnami/redis:7\"}"), "its image decides"},
        {store("{command: [redis-server, /conf/none/redis.conf]}"), "is not here"},
        {ignored, ""},
        {owned, "made by RedisCluster shop"},
        {daemons, "no rule is for a DaemonSet"},
        {old, "write apiVersion: apps/v1"},
        {broken, "no apiVersion"},
        {{{"apiVersion", "serving.knative.dev/v1"}, {"kind", "Service"}}, ""}};
    for (const Row& row : rows) {
      CAPTURE(std::string(row.because));
      const Silence silence = silence_on(row.object, beside(objects));
      CAPTURE(silence.because);
      CHECK(silence.because.empty() == std::string_view(row.because).empty());
      CHECK(silence.because.find(row.because) != std::string::npos);
    }
    CHECK(silence_on(store("{}"), {}).because.find("cannot be looked up") != std::string::npos);
    CHECK(mutate(owned, beside(objects)).patch.empty());
    CHECK(validate(owned, beside(objects)).objections.empty());
  }
}

}  // namespace kredis::policy
