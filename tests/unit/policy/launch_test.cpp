// SPDX-License-Identifier: Apache-2.0
//
// How servers are started, in every shape that manifests have it: what is read of each, and that a
// patch settles for each, reaches the server and leaves what it cannot reach.
#include <array>

#include <doctest/doctest.h>

#include "shared/policy/json_access.hpp"
#include "shared/policy/subject.hpp"
#include "tests/unit/policy/rules_bed.hpp"

namespace kredis::policy {
namespace {

/// A ConfigMap with a file, a file under another key and scripts.
constexpr const char* k_map = R"(
apiVersion: v1
kind: ConfigMap
metadata: {name: shop-conf}
data:
  redis.conf: |
    cluster-enabled yes
    cluster-config-file nodes.conf
    appendonly yes
    dir /data
  mend.sh: |
    #!/bin/sh
    # redis-server comes behind this
    exec "$@"
  start.sh: |
    #!/bin/sh
    here=${0%/*}
    exec redis-server "$here/redis.conf" "$@"
  alone.sh: |
    exec redis-server /conf/redis.conf
)";

struct Shape {
  const char* label;
  const char* launch;
  const char* config_path;
  bool direct;
  bool recognised = true;
};

const std::array<Shape, 34> k_shapes{
    {{"words", "command: [redis-server, /conf/redis.conf]", "/conf/redis.conf", true},
     {"args only", "args: [redis-server, /conf/redis.conf]", "/conf/redis.conf", true},
     {"the file alone", "args: [/conf/redis.conf]", "/conf/redis.conf", true},
     {"options alone", "args: [--cluster-enabled, \"yes\"]", "", true},
     {"command and args",
      "{command: [redis-server], args: [/conf/redis.conf]}",
      "/conf/redis.conf",
      true},
     {"sh -c", "command: [sh, -c, exec redis-server /conf/redis.conf]", "/conf/redis.conf", false},
     {"sh and args",
      "{command: [sh], args: [-c, exec redis-server /conf/redis.conf]}",
      "/conf/redis.conf",
      false},
     {"sh -cex",
      "command: [bash, -cex, exec redis-server /conf/redis.conf]",
      "/conf/redis.conf",
      false},
     {"sh -o",
      "command: [bash, -euo, pipefail, -c, exec redis-server /conf/redis.conf]",
      "/conf/redis.conf",
      false},
     {"sh -c with words behind",
      "command: [sh, -c, 'exec \"$@\"', --, redis-server, /conf/redis.conf]",
      "/conf/redis.conf",
      true},
     {"sh -c with one word behind",
      "command: [sh, -c, 'exec redis-server /conf/redis.conf $1', sh]",
      "/conf/redis.conf",
      false},
     {"a comment first",
      "command: [sh, -c, \"# redis-server\\nmkdir -p x && exec redis-server /conf/redis.conf\"]",
      "/conf/redis.conf",
      false},
     {"behind && and ;",
      "command: [sh, -c, 'a && b; cd /tmp; redis-server /conf/redis.conf || exit 1']",
      "/conf/redis.conf",
      false},
     {"in the background",
      "command: [sh, -c, 'redis-server /conf/redis.conf & wait']",
      "/conf/redis.conf",
      false},
     {"variables",
      "{command: [sh, -c, 'F=/conf; exec redis-server $F/${NAME:-redis.conf}']}",
      "/conf/redis.conf",
      false},
     {"a wrapper", "command: [tini, --, redis-server, /conf/redis.conf]", "/conf/redis.conf", true},
     {"an unknown wrapper",
      "command: [/opt/start, redis-server, /conf/redis.conf]",
      "/conf/redis.conf",
      false},
     {"a script that hands on",
      "command: [/conf/mend.sh, redis-server, /conf/redis.conf]",
      "/conf/redis.conf",
      true},
     {"a script with arguments", "command: [sh, /conf/start.sh]", "/conf/redis.conf", true},
     {"a script without", "command: [sh, /conf/alone.sh]", "/conf/redis.conf", false},
     {"a script of a script", "command: [sh, -c, exec /conf/start.sh]", "/conf/redis.conf", false},
     {"sourced", "command: [sh, -c, . /conf/alone.sh]", "/conf/redis.conf", false},
     {"eval",
      "command: [sh, -c, 'eval \"exec redis-server /conf/redis.conf\"']",
      "/conf/redis.conf",
      false},
     {"a copy",
      "command: [sh, -c, 'cp /conf/redis.conf /tmp/r.conf; exec redis-server /tmp/r.conf']",
      "/tmp/r.conf",
      false},
     {"a folder's copy",
      "command: [sh, -c, 'cp /conf/* /tmp/c/ && redis-server /tmp/c/redis.conf']",
      "/tmp/c/redis.conf",
      false},
     {"rewritten",
      "command: [sh, -c, 'sed \"s/X/$HOSTNAME/\" /conf/redis.conf > /tmp/r.conf; exec redis-server /tmp/r.conf']",
      "/tmp/r.conf",
      false},
     {"written",
      "command: [sh, -c, \"cat > /tmp/r.conf <<EOF\\ncluster-enabled yes\\nEOF\\nredis-server /tmp/r.conf\"]",
      "/tmp/r.conf",
      false},
     {"redis-stack", "command: [redis-stack-server, /conf/redis.conf]", "/conf/redis.conf", false},
     {"Valkey",
      "{image: \"valkey/valkey:8.1\", args: [/conf/redis.conf]}",
      "/conf/redis.conf",
      true},
     {"a relative file",
      "{workingDir: /conf, command: [redis-server, redis.conf]}",
      "/conf/redis.conf",
      true},
     {"no server", "command: [sh, -c, echo nothing]", "", false, false},
     {"a log of that name", "command: [tail, -F, /data/redis-server.log]", "", false, false},
     {"a question for the version", "command: [redis-server, --version]", "", false, false},
     {"a Sentinel", "command: [redis-server, /conf/redis.conf, --sentinel]", "", false, false}}};

Objects beside_map(const Json& set) { return {from_yaml(k_map), set}; }

Json& container_of(Json& set) { return set["spec"]["template"]["spec"]["containers"][0]; }

std::size_t words_in(Json set) {
  return items(container_of(set)["command"]).size() + items(container_of(set)["args"]).size();
}

}  // namespace

TEST_SUITE("policy/launch") {
  TEST_CASE("the server's file is found in every shape") {
    for (const Shape& shape : k_shapes) {
      CAPTURE(std::string(shape.label));
      const Objects objects = beside_map(hand_made_set(shape.launch));
      const Surroundings around = beside(objects);
      const Subject subject(objects[1], around);
      CHECK(subject.launch().config_path == shape.config_path);
      CHECK(subject.passes_on() == shape.direct);
      CHECK(is_redis_cluster(objects[1], around) == shape.recognised);
    }
  }

  TEST_CASE("a patch settles in every shape, and its words reach the server") {
    for (const Shape& shape : k_shapes) {
      CAPTURE(std::string(shape.label));
      for (const bool blind : {false, true}) {
        CAPTURE(blind);
        const Objects objects = beside_map(hand_made_set(shape.launch));
        const Surroundings around = blind ? Surroundings{} : beside(objects);
        const Verdict once = mutate(objects[1], around);
        const Verdict twice = mutate(once.mutated, around);
        CHECK_MESSAGE(twice.patch.empty(), twice.patch.dump());
        const std::size_t added = words_in(once.mutated) - words_in(objects[1]);
        const Subject before(objects[1], around);
        const Subject after(once.mutated, around);
        if (added == 0) {
          CHECK(after.launch().arguments.directives == before.launch().arguments.directives);
        } else {
          CHECK(before.passes_on());
          CHECK((after.launch().arguments.directives != before.launch().arguments.directives ||
                 after.launch().config_path != before.launch().config_path));
        }
      }
    }
  }

  TEST_CASE("an unrelated change of a patched object patches nothing") {
    for (const Shape& shape : k_shapes) {
      CAPTURE(std::string(shape.label));
      const Objects objects = beside_map(hand_made_set(shape.launch));
      Surroundings around = beside(objects);
      Json patched = mutate(objects[1], around).mutated;
      const Json before = patched;
      around.before = &before;
      patched["metadata"]["annotations"]["note"] = "x";
      CHECK(mutate(patched, around).patch.empty());
    }
  }

  TEST_CASE("one word may hold an option and its value") {
    const Objects objects = beside_map(hand_made_set(
        "command: [redis-server, /conf/redis.conf, '--port 7001', \"--bind 10.0.0.1 -::1\"]"));
    const Subject subject(objects[1], beside(objects));
    CHECK(subject.client_port() == 7001);
    CHECK(subject.setting("bind")->values == std::vector<std::string>{"10.0.0.1", "-::1"});
  }

  TEST_CASE("a variable has its value, and where nobody can say it nothing is claimed") {
    struct Row {
      const char* launch;
      std::optional<std::int64_t> port;
    };
    const std::vector<Row> rows{
        {"{command: [redis-server, /conf/redis.conf, --port, $(PORT)], env: [{name: PORT, value: '7000'}]}",
         7000},
        {"{command: [sh, -c, 'redis-server /conf/redis.conf --port $PORT'], env: [{name: PORT, value: '7000'}]}",
         7000},
        {"{command: [redis-server, /conf/redis.conf, --port, $(PORT)], env: [{name: PORT, valueFrom: {fieldRef: {}}}]}",
         std::nullopt},
        {"command: [sh, -c, 'exec redis-server /conf/redis.conf --port $PORT']", std::nullopt},
        {"command: [sh, -c, 'exec redis-server /conf/redis.conf --port $(cat /port)']",
         std::nullopt},
        {"command: [sh, -c, 'exec redis-server /conf/redis.conf $OPTIONS']", 6379},
        {"command: [redis-server, /elsewhere/redis.conf]", std::nullopt},
        {"command: [redis-server, /conf/redis.conf]", 6379}};
    for (const Row& row : rows) {
      CAPTURE(std::string(row.launch));
      const Objects objects = beside_map(hand_made_set(row.launch));
      const Surroundings around = beside(objects);
      CHECK(Subject(objects[1], around).client_port() == row.port);
      const Json made = mutate(objects[1], around).mutated;
      if (!row.port) {
        CHECK(made.dump().find("6379") == std::string::npos);
      }
    }
  }

  TEST_CASE("the container that starts the server is judged, not one that names it") {
    Json set = hand_made_set("command: [redis-server, /conf/redis.conf]");
    Json& containers = set["spec"]["template"]["spec"]["containers"];
    containers.insert(
        containers.begin(),
        from_yaml("{name: logs, image: busybox, command: [tail, -F, /data/redis-server.log]}"));
    containers.push_back(from_yaml(
        "{name: sentinel, image: \"redis:7.4\", command: [redis-server, /s.conf, --sentinel]}"));
    const Objects objects = beside_map(set);
    const Surroundings around = beside(objects);
    CHECK(text(Subject(objects[1], around).container()["name"]) == "redis");
    const Json made = mutate(objects[1], around).mutated;
    const Json& after = made["spec"]["template"]["spec"]["containers"];
    CHECK(after[0] == containers[0]);
    CHECK(after[2] == containers[2]);
  }

  TEST_CASE("scripts that are made to fill the memory are left, and nothing is claimed of them") {
    const auto again = [](const std::string& text, int times) {
      std::string all;
      for (int i = 0; i < times; ++i) {
        all += text;
      }
      return all;
    };
    for (const std::string& script :
         {"X=aaaaaaaaaaaaaaaa;" + again("X=$X$X;", 60),
          "set -- a a a;" + again("set -- \"$@\" \"$@\";", 60),
          "cat /conf/redis.conf >/x;" + again("cat /x /x >/y; cat /y /y >/x;", 60),
          "echo aaaaaaaaaaa >/x;" + again("cp /x /y; cat /x /y /x >>/x;", 60),
          "X=" + again("a", 100'000) + "; cat >/x <<E\n" + again("$X", 10'000) + "\nE\n",
          again("a;", 300'000),
          "a " + again("$b", 300'000) + ";",
          again("set -- \"$0\"; eval \"$0\";", 10'000)}) {
      CAPTURE(script.substr(0, 40));
      Json set = hand_made_set("command: [sh, -c]");
      container_of(set)["command"].push_back(script + "\nexec redis-server /conf/redis.conf");
      const Objects objects = beside_map(set);
      CHECK_FALSE(Subject(objects[1], beside(objects)).sees_configuration());
    }
  }

  TEST_CASE("an init container's copy is the file that the server reads") {
    Json set = hand_made_set(
        "{command: [redis-server, /etc/redis/redis.conf], volumeMounts: "
        "[{name: work, mountPath: /etc/redis}, {name: data, mountPath: /data}]}");
    Json& pod = set["spec"]["template"]["spec"];
    pod["volumes"].push_back({{"name", "work"}, {"emptyDir", Json::object()}});
    pod["initContainers"] = from_yaml(
        "- {name: copy, image: busybox, command: [sh, -c, 'cp /conf/redis.conf /made/redis.conf'],"
        " volumeMounts: [{name: conf, mountPath: /conf}, {name: work, mountPath: /made}]}");
    const Objects objects = beside_map(set);
    CHECK(is_redis_cluster(objects[1], beside(objects)));
  }
}

}  // namespace kredis::policy
