// SPDX-License-Identifier: Apache-2.0
//
// What happens to a pod between its start and its end: probes, hooks, trouble, and trouble with
// nodes.
#include <doctest/doctest.h>

#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "tests/sandbox/node/jail.hpp"
#include "tests/unit/sandbox/node_bed.hpp"
#include "tests/unit/sandbox/run_tool.hpp"

namespace kredis::sandbox {
namespace {

/// A pod of one container that runs a shell script.
Json script_spec(const std::string& script, const Json& more = Json::object()) {
  Json container = {{"name", "main"}, {"image", "busybox"}, {"command", {"sh", "-c", script}}};
  container.update(more);
  return {{"terminationGracePeriodSeconds", 5}, {"containers", {std::move(container)}}};
}

std::string log_of(NodeBed& bed,
                   const std::string& pod,
                   NodeAgent::Previous previous = NodeAgent::Previous::no) {
  const auto log = bed.agent().find_log("default", pod, "", previous);
  return log ? (*log)->tail(100, 10'000) : log.error().message;
}

bool has(const std::vector<std::string>& messages, const std::string& part) {
  return std::any_of(messages.begin(), messages.end(), [&](const std::string& message) {
    return message.find(part) != std::string::npos;
  });
}

/// Whether a process has `part` in its command line.
bool is_any_running(const std::string& part) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    std::ifstream file(entry.path() / "cmdline");
    // One of them may end meanwhile, which is no line.
    if (std::string line; std::getline(file, line) && line.find(part) != std::string::npos) {
      return true;
    }
  }
  return false;
}

constexpr const char* k_sleep = "trap 'exit 0' TERM; while true; do sleep 1 & wait $!; done";

TEST_SUITE("sandbox/node/lifecycle") {
  TEST_CASE("a pod that ends well has succeeded, and one that does not has failed") {
    NodeBed bed;
    Json good = script_spec("echo done");
    Json bad = script_spec("echo broken; exit 3");
    good["restartPolicy"] = bad["restartPolicy"] = "Never";
    bed.create_pod("good", good);
    bed.create_pod("bad", bad);
    const auto phase = [](const std::string& wanted) {
      return [wanted](const Object& pod) { return text_at(*pod, "status.phase") == wanted; };
    };
    CHECK(bed.wait_for("good", phase("Succeeded")));
    CHECK(bed.wait_for("bad", phase("Failed")));
    CHECK(number_at(container_status(*bed.pod("bad")), "state.terminated.exitCode") == 3);
    CHECK(log_of(bed, "good") == "done\n");
  }

  TEST_CASE("a crashing container backs off, and its previous log can be read") {
    NodeBed bed;
    bed.create_pod("crash", script_spec("echo run; exit 1"));
    REQUIRE(bed.wait_for("crash", [](const Object& pod) {
      return text_at(container_status(*pod), "state.waiting.reason") == "CrashLoopBackOff";
    }));
    const Json status = container_status(*bed.pod("crash"));
    CHECK(text_at(status, "state.waiting.message").starts_with("back-off "));
    CHECK(number_at(status, "lastState.terminated.exitCode") == 1);
    CHECK(has(bed.events("BackOff"),
              "Back-off restarting failed container main in pod crash_default("));
    CHECK(log_of(bed, "crash", NodeAgent::Previous::yes) == "run\n");
  }

  TEST_CASE("an unknown image is told as a failed pull") {
    NodeBed bed;
    bed.create_pod("redis-app-0",
                   {{"containers", {{{"name", "redis"}, {"image", "redis:no-such-tag"}}}}});
    REQUIRE(bed.wait_for("redis-app-0", [](const Object& pod) {
      return text_at(container_status(*pod), "state.waiting.reason") == "ImagePullBackOff";
    }));
    CHECK(has(bed.events("Failed"),
              "Failed to pull image \"redis:no-such-tag\": rpc error: code = NotFound"));
    CHECK(text_at(*bed.pod("redis-app-0"), "status.phase") == "Pending");
  }

  TEST_CASE("a program that is not there is a start error") {
    NodeBed bed;
    bed.create_pod(
        "odd",
        {{"containers",
          {{{"name", "main"}, {"image", "busybox"}, {"command", {"no-such-program"}}}}}});
    REQUIRE(bed.wait_for("odd", [](const Object& pod) {
      return text_at(container_status(*pod), "lastState.terminated.reason") == "StartError";
    }));
    const std::string message =
        text_at(container_status(*bed.pod("odd")), "lastState.terminated.message");
    CHECK(message.find("no-such-program") != std::string::npos);
  }

  TEST_CASE("a readiness probe decides when a pod is ready, and when it is not any more") {
    NodeBed bed;
    bed.create_pod("probed",
                   script_spec(k_sleep,
                               {{"readinessProbe",
                                 {{"exec", {{"command", {"test", "-e", "/tmp/ready"}}}},
                                  {"periodSeconds", 1},
                                  {"failureThreshold", 1}}}}));
    REQUIRE(eventually([&] { return has(bed.events("Unhealthy"), "Readiness probe failed"); }));
    CHECK_FALSE(pod_is_ready(*bed.pod("probed")));
    const auto place = bed.agent().find("default", "probed", "");
    REQUIRE(place.has_value());
    const std::string inside = "/proc/" + std::to_string(place->pid) + "/root/tmp/ready";
    std::ofstream(inside).flush();
    CHECK(bed.wait_until_ready("probed"));
    std::filesystem::remove(inside);
    CHECK(bed.wait_for("probed", [](const Object& pod) { return !pod_is_ready(*pod); }));
  }

  TEST_CASE("a liveness probe that fails restarts its container") {
    NodeBed bed;
    bed.create_pod(
        "sick",
        script_spec(
            k_sleep,
            {{"livenessProbe",
              {{"tcpSocket", {{"port", 1}}}, {"periodSeconds", 1}, {"failureThreshold", 1}}}}));
    REQUIRE(bed.wait_for("sick", [](const Object& pod) {
      return number_at(container_status(*pod), "restartCount") >= 1;
    }));
    CHECK(has(bed.events("Killing"), "Container main failed liveness probe, will be restarted"));
    CHECK(has(bed.events("Unhealthy"), "connect: connection refused"));
  }

  TEST_CASE("what is ended while it is put up leaves no process behind") {
    const std::string mark = "# brief-" + std::to_string(::getpid());
    for (int milliseconds = 0; milliseconds < 60; milliseconds += 3) {
      NodeBed bed;
      for (int pod = 0; pod < 8; ++pod) {
        bed.create_pod("brief-" + std::to_string(pod),
                       script_spec(std::string(k_sleep) + " " + mark));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    }
    CHECK(eventually([&] { return !is_any_running(mark); }));
  }

  TEST_CASE("hooks run around the container, and a deaf one is killed when its time is up") {
    NodeBed bed;
    bed.create({"", "persistentvolumeclaims", "default", "data"},
               {{"spec", {{"volumeName", "disk"}}}});
    bed.create({"", "persistentvolumes", "", "disk"},
               {{"spec", {{"hostPath", {{"path", (bed.dir() / "volumes" / "disk").string()}}}}}});
    Json spec =
        script_spec("trap '' TERM; while true; do sleep 1; done",
                    {{"volumeMounts", {{{"name", "data"}, {"mountPath", "/data"}}}},
                     {"lifecycle",
                      {{"postStart", {{"exec", {{"command", {"touch", "/data/started"}}}}}},
                       {"preStop", {{"exec", {{"command", {"touch", "/data/stopped"}}}}}}}}});
    spec["volumes"] = {{{"name", "data"}, {"persistentVolumeClaim", {{"claimName", "data"}}}}};
    bed.create_pod("hooked", spec);
    REQUIRE(bed.wait_until_ready("hooked"));
    CHECK(std::filesystem::exists(bed.dir() / "volumes/disk/started"));
    CHECK_FALSE(std::filesystem::exists(bed.dir() / "volumes/disk/stopped"));
    bed.delete_pod("hooked", 1);
    CHECK(bed.wait_for("hooked", [](const Object& pod) { return pod == nullptr; }));
    CHECK(std::filesystem::exists(bed.dir() / "volumes/disk/stopped"));
  }

  TEST_CASE("init containers run first, one after the other") {
    NodeBed bed;
    Json spec = script_spec("cat /shared/log; " + std::string(k_sleep),
                            {{"volumeMounts", {{{"name", "shared"}, {"mountPath", "/shared"}}}}});
    for (const std::string name : {"one", "two"}) {
      spec["initContainers"].push_back(
          {{"name", name},
           {"image", "busybox"},
           {"command", {"sh", "-c", "echo " + name + " >>/shared/log"}},
           {"volumeMounts", {{{"name", "shared"}, {"mountPath", "/shared"}}}}});
    }
    spec["volumes"] = {{{"name", "shared"}, {"emptyDir", Json::object()}}};
    bed.create_pod("staged", spec);
    REQUIRE(bed.wait_until_ready("staged"));
    CHECK(eventually([&] { return log_of(bed, "staged") == "one\ntwo\n"; }));
    CHECK(condition_is_true(*bed.pod("staged"), "Initialized"));
  }

  TEST_CASE("a changed ConfigMap reaches the running pod's files") {
    NodeBed bed;
    bed.create_config_map("conf", {{"a", "old"}});
    Json spec =
        script_spec(k_sleep, {{"volumeMounts", {{{"name", "conf"}, {"mountPath", "/conf"}}}}});
    spec["volumes"] = {{{"name", "conf"}, {"configMap", {{"name", "conf"}}}}};
    bed.create_pod("reader", spec);
    REQUIRE(bed.wait_until_ready("reader"));
    static_cast<void>(
        bed.store.update({"", "configmaps", "default", "conf"}, [](Json& map) -> Status {
          map["data"]["a"] = "new";
          return {};
        }));
    const auto place = bed.agent().find("default", "reader", "");
    REQUIRE(place.has_value());
    CHECK(eventually([&] {
      return run_tool({"cat", "/proc/" + std::to_string(place->pid) + "/root/conf/a"}) == "new";
    }));
  }

  TEST_CASE("a node that is killed takes its pods along, and brings them back with new addresses") {
    NodeBed bed;
    bed.create_pod("server", script_spec(k_sleep));
    REQUIRE(bed.wait_until_ready("server"));
    const std::string address = text_at(*bed.pod("server"), "status.podIP");
    const auto place = bed.agent().find("default", "server", "");
    REQUIRE(place.has_value());

    bed.agent().kill_node("node-a");
    CHECK_FALSE(bed.agent().answers("node-a"));
    CHECK_FALSE(std::filesystem::exists("/proc/" + std::to_string(place->pid)));
    CHECK(pod_is_ready(*bed.pod("server")));  // Nobody is there to say otherwise.

    bed.agent().start_node("node-a");
    REQUIRE(bed.wait_for("server", [&](const Object& pod) {
      return number_at(container_status(*pod), "restartCount") == 1 && pod_is_ready(*pod);
    }));
    CHECK(text_at(*bed.pod("server"), "status.podIP") != address);
  }

  TEST_CASE("a partition cuts connections and swallows new ones until it is healed") {
    NodeBed bed({"node-a", "node-b"});
    bed.create_config_map("redis-conf", {{"redis.conf", "port 6379\n"}});
    bed.create_pod("master", redis_spec(), "node-a");
    Json replica = redis_spec();
    REQUIRE(bed.wait_until_ready("master"));
    const std::string master = text_at(*bed.pod("master"), "status.podIP");
    replica["containers"][0]["args"] = {"/etc/redis/redis.conf",
                                        "--protected-mode",
                                        "no",
                                        "--replicaof",
                                        master,
                                        "6379",
                                        "--repl-timeout",
                                        "2"};
    bed.create_pod("replica", replica, "node-b");
    REQUIRE(bed.wait_until_ready("replica"));
    const std::string address = text_at(*bed.pod("replica"), "status.podIP");
    const auto link_is = [&](const std::string& state) {
      return run_tool({"timeout", "5", "redis-cli", "-h", address, "info", "replication"})
                 .find("master_link_status:" + state) != std::string::npos;
    };
    REQUIRE(eventually([&] { return link_is("up"); }));

    bed.agent().partition({"node-b"});
    CHECK(eventually([&] { return link_is("down"); }));
    CHECK_FALSE(bed.agent().answers("node-b"));
    CHECK(bed.agent().answers("node-a"));

    bed.agent().heal();
    CHECK(eventually([&] { return link_is("up"); }));
  }

  TEST_CASE("a port that drops its packets hangs for other pods and the pod itself") {
    NodeBed bed;
    bed.create_config_map("redis-conf", {{"redis.conf", "port 6379\n"}});
    bed.create_pod("server", redis_spec());
    bed.create_pod("client", script_spec(k_sleep));
    REQUIRE(bed.wait_until_ready("server"));
    REQUIRE(bed.wait_until_ready("client"));
    const std::string address = text_at(*bed.pod("server"), "status.podIP");
    const auto client = bed.agent().find("default", "client", "");
    REQUIRE(client.has_value());
    const auto ping = [&] {
      std::vector<std::string> command = {"timeout", "1", "redis-cli", "-h", address, "ping"};
      return run_tool(enter_argv(client->pid, command, own_privilege()));
    };
    REQUIRE(eventually([&] { return ping() == "PONG\n"; }));

    REQUIRE(bed.agent().drop_port("default", "server", 6379));
    CHECK(ping().empty());
    REQUIRE(bed.agent().drop_port("default", "server", 0));
    CHECK(ping() == "PONG\n");
  }

  TEST_CASE("a volume may be mounted where the read-only image has no folder") {
    NodeBed bed;
    bed.create_config_map("redis-conf", {{"redis.conf", "port 6379\n"}});
    Json spec = redis_spec();
    spec["containers"][0]["volumeMounts"][0]["mountPath"] = "/usr/local/etc/redis";
    spec["containers"][0]["args"] = {"/usr/local/etc/redis/redis.conf"};
    spec["containers"][0].erase("command");
    bed.create_pod("server", spec);
    REQUIRE(bed.wait_until_ready("server"));
    CHECK(eventually([&] {
      const auto log = bed.agent().find_log("default", "server", "", NodeAgent::Previous::no);
      return log && (*log)->tail(1, 1'000).find("Ready to accept connections") != std::string::npos;
    }));
  }

  TEST_CASE("a pod's own short name is its address from the first moment") {
    NodeBed bed;
    Json spec = {
        {"hostname", "redis-app-0"},
        {"subdomain", "redis-service"},
        {"containers",
         {{{"name", "own"},
           {"image", "debian"},
           {"command", {"sh", "-c", "getent hosts $(hostname); hostname -i; exec sleep 60"}}}}}};
    bed.create_pod("redis-app-0", spec);
    REQUIRE(bed.wait_until_ready("redis-app-0"));
    const std::string address = text_at(*bed.pod("redis-app-0"), "status.podIP");
    CHECK(eventually([&] {
      const auto log = bed.agent().find_log("default", "redis-app-0", "", NodeAgent::Previous::no);
      const std::string said = log ? (*log)->tail(2, 1'000) : "";
      return said.starts_with(address + " ") &&
             said.ends_with("redis-app-0.redis-service.default.svc.cluster.local redis-app-0\n" +
                            address + "\n");
    }));
  }

  TEST_CASE("a pod says that it runs as root where another user is asked for") {
    NodeBed bed;
    const auto sleeping = [](Json context) {
      return Json{{"containers",
                   {{{"name", "own"},
                     {"image", "debian"},
                     {"command", {"sleep", "60"}},
                     {"securityContext", std::move(context)}}}}};
    };
    bed.create_pod("root", sleeping({{"runAsUser", 0}}));
    REQUIRE(bed.wait_until_ready("root"));
    CHECK(bed.events("RunAsUserIgnored").empty());
    bed.create_pod("other", sleeping({{"runAsUser", 999}}));
    REQUIRE(bed.wait_until_ready("other"));
    CHECK(bed.events("RunAsUserIgnored") ==
          std::vector<std::string>{
              "the sandbox runs every container as root: runAsUser 999 is not honoured"});
  }

  TEST_CASE("localhost in a pod is the pod, and names come from its hosts file") {
    NodeBed bed;
    std::filesystem::create_directories(bed.dir() / "hosts/default");
    std::ofstream(bed.dir() / "hosts/default/hosts")
        << "127.0.0.1 localhost\n127.9.9.9 redis-service\n";
    bed.create_config_map("redis-conf", {{"redis.conf", "port 6379\n"}});
    Json spec = redis_spec();
    spec["containers"].push_back(
        {{"name", "client"},
         {"image", "debian"},
         {"command",
          {"sh",
           "-c",
           "until redis-cli -h localhost ping; do sleep 0.1; done; hostname; getent hosts redis-service; exec sleep 60"}}});
    bed.create_pod("both", spec);
    REQUIRE(bed.wait_until_ready("both"));
    CHECK(eventually([&] {
      const auto log = bed.agent().find_log("default", "both", "client", NodeAgent::Previous::no);
      return log && (*log)->tail(3, 1'000) == "PONG\nboth\n127.9.9.9       redis-service\n";
    }));
  }

}  // TEST_SUITE

}  // namespace
}  // namespace kredis::sandbox
