// SPDX-License-Identifier: Apache-2.0
#include "plugin/operations/failover/drill_strike.hpp"

#include <charconv>
#include <future>
#include <utility>
#include <vector>

namespace kredis::plugin {
namespace {

using core::Command;
using core::Reply;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

class Deletion : public Strike {
 public:
  Deletion(ports::KubePort& kube, std::string namespace_name, std::string pod, std::string uid)
      : kube_(kube),
        path_{{"v1", "pods"}, std::move(namespace_name), std::move(pod)},
        uid_(std::move(uid)) {}

  Status deliver() override {
    const auto removed =
        kube_.remove(path_, ports::Propagation::background, uid_, ports::DryRun::no);
    return removed ? Status{} : Status{removed.error()};
  }

  std::string lasts() override {
    const auto pod = kube_.get(path_);
    const bool there = pod && pod->value("/metadata/uid"_json_pointer, std::string()) == uid_;
    return there ? path_.name + " ends" : "";
  }

 private:
  ports::KubePort& kube_;
  ports::ResourcePath path_;
  std::string uid_;
};

/// Time stands still in the scripts of some versions; os.clock is there in others only. So the loop
/// goes by either, and a short one first shows that it ends.
constexpr const char* k_script = R"(
local function time() local now = redis.call('TIME') return now[1] * 1000 + now[2] / 1000 end
local has_cpu, cpu = pcall(function() return os.clock() end)
local stop = time() + tonumber(ARGV[1])
local cpu_stop = has_cpu and cpu + tonumber(ARGV[1]) / 1000
for looked = 1, tonumber(ARGV[2]) do
  if time() >= stop or (has_cpu and os.clock() >= cpu_stop) then return looked end
end
return 0
)";

Command spin(milliseconds time, std::int64_t looks) {
  return {"EVAL", k_script, "0", std::to_string(time.count()), std::to_string(looks)};
}

class Freeze : public Strike {
 public:
  Freeze(std::unique_ptr<ports::RedisConnection> connection, std::string pod)
      : connection_(std::move(connection)), pod_(std::move(pod)) {}

  Status prepare(ports::Deadline deadline);
  Status deliver() override;
  std::string lasts() override {
    return over_.wait_for(0s) == std::future_status::ready
               ? ""
               : pod_ + " hangs for " + std::to_string(time_.count() / 1000) + " s";
  }

 private:
  Error refused(const std::string& what, const std::string& reply) const {
    return Error::unsafe(pod_ + " cannot be frozen: " + what + ": " + reply)
        .with_hint("drill with --by delete, which needs no more than Kubernetes");
  }

  std::unique_ptr<ports::RedisConnection> connection_;
  std::string pod_;
  milliseconds time_{0};
  std::string old_limit_;
  std::future<Result<std::vector<Reply>>> over_;
};

Status Freeze::prepare(ports::Deadline deadline) {
  constexpr std::int64_t k_few_looks = 5000;
  KREDIS_TRY(const auto replies,
             connection_->pipeline({{"CONFIG", "GET", "cluster-node-timeout"},
                                    {"CONFIG", "GET", "lua-time-limit"},
                                    spin(1ms, k_few_looks)},
                                   deadline));
  for (const Reply& reply : replies) {
    if (reply.is_error()) {
      return refused("it does not take the commands for it", reply.text);
    }
  }
  if (replies[0].items.size() < 2 || replies[1].items.size() < 2 || replies[2].integer == 0) {
    return refused("its scripts see no clock", "the loop would not end");
  }
  const std::string& timeout = replies[0].items[1].text;
  std::int64_t count = 0;
  std::from_chars(timeout.data(), timeout.data() + timeout.size(), count);
  time_ = 2 * milliseconds(count) + 3s;
  old_limit_ = replies[1].items[1].text;
  return {};
}

Status Freeze::deliver() {
  // Past the limit a server looks after its cluster bus again in the middle of a script.
  const std::string limit = std::to_string((time_ + 5s).count());
  const auto soon = steady_clock::now() + 2s;
  KREDIS_TRY(const auto set,
             connection_->pipeline({{"CONFIG", "SET", "lua-time-limit", limit}}, soon));
  if (set.front().is_error()) {
    return refused("it does not take CONFIG SET lua-time-limit", set.front().text);
  }
  const std::vector<Command> commands{spin(time_, std::int64_t{1} << 40),
                                      {"CONFIG", "SET", "lua-time-limit", old_limit_}};
  over_ = std::async(std::launch::async, [this, commands] {
    return connection_->pipeline(commands, steady_clock::now() + 3 * time_);
  });
  if (over_.wait_for(200ms) == std::future_status::ready) {
    const auto replies = over_.get();
    return replies ? refused("the script ended at once", replies->front().text) : replies.error();
  }
  return {};
}

}  // namespace

std::unique_ptr<Strike> strike_by_deleting(ports::KubePort& kube,
                                           const std::string& namespace_,
                                           const std::string& pod,
                                           const std::string& uid) {
  return std::make_unique<Deletion>(kube, namespace_, pod, uid);
}

Result<std::unique_ptr<Strike>> strike_by_freezing(ports::RedisPort& redis,
                                                   const ports::RedisTarget& target,
                                                   ports::Deadline deadline) {
  KREDIS_TRY(auto connection, redis.connect(target, deadline));
  auto freeze = std::make_unique<Freeze>(std::move(connection), target.pod);
  KREDIS_CHECK(freeze->prepare(deadline));
  return freeze;
}

}  // namespace kredis::plugin
