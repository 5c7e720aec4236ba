// SPDX-License-Identifier: Apache-2.0
//
// Slots that move: ours, redis-cli's --cluster reshard and a bare pipeline of MIGRATE, one after
// the other on the same servers, back and forth; where the servers move slots themselves, that bare
// and by us, too. Prints keys a second, what a client waited, and on what the first source spent
// its time; at the end the medians of all rounds.
//   tests/servers.sh --run valkey-9.1 sh -c 'PATH=$SERVERS:$PATH build/release/bin/reshard_bench 3'
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "plugin/apply/latency_probe.hpp"
#include "plugin/apply/move_slots.hpp"
#include "shared/core/key_slot.hpp"
#include "shared/wire/redis_info.hpp"
#include "shared/wire/slot_jobs.hpp"
#include "tests/support/cluster_bed.hpp"

namespace {

using namespace kredis;
using namespace std::chrono_literals;
using core::Command;
using std::chrono::steady_clock;
using tests::ClusterBed;

struct Load {
  const char* name;
  std::uint32_t slots;  ///< For each pair.
  int keys;             ///< In each slot.
  std::size_t bytes;    ///< Of each value.
  std::size_t pairs;
};

double seconds_since(steady_clock::time_point begin) {
  return std::chrono::duration<double>(steady_clock::now() - begin).count();
}

/// A tag for each slot, so that keys can be made for it.
const std::vector<std::string>& tags() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> found(core::k_slot_count);
    std::size_t left = found.size();
    for (int i = 0; left > 0; ++i) {
      std::string& tag = found[core::key_slot(std::to_string(i))];
      if (tag.empty()) {
        tag = std::to_string(i);
        --left;
      }
    }
    return found;
  }();
  return all;
}

class Bench {
 public:
  explicit Bench(const Load& load) : load_(load), bed_(static_cast<int>(2 * load.pairs) + 2, 5000) {
    const auto made = bed_.init(static_cast<std::uint32_t>(bed_.view.members.size()));
    if (!made) {
      std::fprintf(stderr, "%s\n", made.error().message.c_str());
      std::exit(1);
    }
    auto cluster = bed_.cluster();
    cluster->ask(observe::Ask::topology, steady_clock::now() + 10s);
    for (std::size_t pair = 0; pair < load.pairs; ++pair) {
      const core::SlotSet& own = cluster->view().members[pair].self()->slots;
      const std::uint32_t first = own.ranges().front().first();
      slots_.push_back(*core::SlotRange::make(first, first + load.slots - 1));
    }
    for (std::size_t i = 0; i < bed_.view.members.size(); ++i) {
      ids_.push_back(*core::NodeId::parse(bed_.ask(i, {"CLUSTER", "MYID"}).text));
    }
    fill();
  }

  std::size_t source(std::size_t pair) const { return forth_ ? pair : pair + load_.pairs; }
  std::size_t target(std::size_t pair) const { return forth_ ? pair + load_.pairs : pair; }
  double keys() const { return static_cast<double>(load_.pairs) * load_.slots * load_.keys; }

  /// Runs `move`, and prints its pace and what a client of the first source and target waited.
  template <typename Move>
  double run(const char* name, Move move) {
    std::vector<double> quiet = waits(1s);
    bed_.ask(source(0), {"CONFIG", "RESETSTAT"});
    std::vector<double> waited;
    std::jthread client([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        const auto some = waits(50ms);
        waited.insert(waited.end(), some.begin(), some.end());
      }
    });
    const auto begin = steady_clock::now();
    move();
    const double took = seconds_since(begin);
    client.request_stop();
    client.join();
    const std::string spent = spent_by(source(0), took);
    forth_ = !forth_;
    std::printf(
        "  %-28s %9.0f keys/s %8.2f s   p99 of a client %6.2f ms (before %.2f), worst %.1f;%s\n",
        name,
        keys() / took,
        took,
        at(waited, 0.99),
        at(quiet, 0.99),
        at(waited, 1),
        spent.c_str());
    std::fflush(stdout);
    Rows& rows = rows_[name];
    rows.keys_per_second.push_back(keys() / took);
    rows.p99.push_back(at(waited, 0.99));
    rows.p99_before.push_back(at(quiet, 0.99));
    return keys() / took;
  }

  void print_medians() const {
    for (const auto& [name, rows] : rows_) {
      std::printf("  median: %-28s %9.0f keys/s, p99 %6.2f ms (before %.2f)\n",
                  name.c_str(),
                  at(rows.keys_per_second, 0.5),
                  at(rows.p99, 0.5),
                  at(rows.p99_before, 0.5));
    }
  }

  /// Whether these servers move slots themselves, and which end is told.
  std::optional<core::JobEnd> job_end() {
    const auto info = wire::parse_redis_info(bed_.ask(0, {"INFO"}).text);
    return info ? core::job_end(*info) : std::nullopt;
  }

  void ours(core::MoveWay way, const plugin::MoveLimits& limits = {}) {
    std::vector<core::MoveSlots> steps;
    for (std::size_t pair = 0; pair < load_.pairs; ++pair) {
      core::SlotSet slots;
      slots.insert(slots_[pair]);
      steps.push_back({.pod = bed_.view.members[source(pair)].pod.name,
                       .source = ids_[source(pair)],
                       .target_pod = bed_.view.members[target(pair)].pod.name,
                       .target = ids_[target(pair)],
                       .slots = slots,
                       .way = way});
    }
    std::vector<const core::MoveSlots*> wave;
    for (const core::MoveSlots& step : steps) {
      wave.push_back(&step);
    }
    auto cluster = bed_.cluster();
    plugin::Site site{.cluster = cluster.get(), .limits = limits};
    const auto moved = plugin::carry_out(wave, site, {.deadline = steady_clock::now() + 600s});
    if (!moved) {
      std::fprintf(stderr, "%s\n", moved.error().message.c_str());
      std::exit(1);
    }
  }

  /// One pair after the other, as it does.
  void redis_cli(const std::string& program) {
    for (std::size_t pair = 0; pair < load_.pairs; ++pair) {
      const std::string command = program + " --cluster reshard " +
                                  bed_.servers[source(pair)].address + ":6379 --cluster-from " +
                                  ids_[source(pair)].to_text() + " --cluster-to " +
                                  ids_[target(pair)].to_text() + " --cluster-slots " +
                                  std::to_string(load_.slots) + " --cluster-yes >/dev/null";
      if (std::system(command.c_str()) != 0) {
        std::fprintf(stderr, "%s failed\n", program.c_str());
      }
    }
    restore_own();
  }

  /// No open slots, no care for anybody: what the servers can do. A thread for each pair.
  void bare() {
    std::vector<std::jthread> threads;
    for (std::size_t pair = 0; pair < load_.pairs; ++pair) {
      threads.emplace_back([this, pair] { bare_pair(pair); });
    }
  }

  /// One job a pair, begun at once, until all are listed as over.
  void bare_atomic() {
    for (std::size_t pair = 0; pair < load_.pairs; ++pair) {
      const std::string first = std::to_string(slots_[pair].first());
      const std::string last = std::to_string(slots_[pair].last());
      const bool told = *job_end() == core::JobEnd::source;
      const auto begun =
          told ? bed_.ask(source(pair),
                          {"CLUSTER",
                           "MIGRATESLOTS",
                           "SLOTSRANGE",
                           first,
                           last,
                           "NODE",
                           ids_[target(pair)].to_text()})
               : bed_.ask(target(pair), {"CLUSTER", "MIGRATION", "IMPORT", first, last});
      if (begun.is_error()) {
        std::fprintf(stderr, "%s\n", begun.text.c_str());
      }
    }
    for (std::size_t pair = 0; pair < load_.pairs; ++pair) {
      while (is_running(pair)) {
        std::this_thread::sleep_for(5ms);
      }
    }
  }

 private:
  struct Rows {
    std::vector<double> keys_per_second = {};
    std::vector<double> p99 = {};  ///< Milliseconds.
    std::vector<double> p99_before = {};
  };

  /// On what this server spent its time since RESETSTAT, as parts of `seconds`. A MIGRATE counts as
  /// long as it waits for the target.
  std::string spent_by(std::size_t at, double seconds) {
    std::multimap<double, std::string, std::greater<>> parts;
    const auto stats = wire::parse_info_fields(bed_.ask(at, {"INFO", "commandstats"}).text);
    for (const auto& [name, value] : stats) {
      constexpr std::string_view k_usec = "usec=";
      const std::size_t usec = value.find(k_usec);
      if (usec != std::string::npos && name.starts_with("cmdstat_")) {
        parts.emplace(std::atof(value.c_str() + usec + k_usec.size()) / 1e6 / seconds,
                      name.substr(std::string_view("cmdstat_").size()));
      }
    }
    std::string text;
    for (const auto& [part, name] : parts) {
      if (part >= 0.01) {
        text += " " + name + " " + std::to_string(std::lround(part * 100)) + " %";
      }
    }
    return text;
  }

  bool is_running(std::size_t pair) {
    const core::JobEnd end = *job_end();
    const std::size_t at = end == core::JobEnd::source ? source(pair) : target(pair);
    const auto jobs = wire::parse_slot_jobs(bed_.ask(at, wire::slot_jobs_question(end)));
    return jobs && std::ranges::any_of(*jobs, [](const core::SlotJob& job) {
             return job.state == core::SlotJob::State::running;
           });
  }

  void fill() {
    for (std::size_t pair = 0; pair < load_.pairs; ++pair) {
      auto line =
          bed_.redis->connect({.host = bed_.servers[pair].address}, steady_clock::now() + 10s);
      const std::string value(load_.bytes, 'x');
      for (std::uint32_t slot = slots_[pair].first(); slot <= slots_[pair].last(); ++slot) {
        std::vector<Command> commands;
        for (int i = 0; i < load_.keys; ++i) {
          commands.push_back({"SET", "{" + tags()[slot] + "}" + std::to_string(i), value});
        }
        static_cast<void>((*line)->pipeline(commands, steady_clock::now() + 60s));
      }
    }
  }

  /// What single questions to the first pair's nodes took, in milliseconds, sorted.
  std::vector<double> waits(std::chrono::milliseconds time) {
    auto first = bed_.redis->connect({.host = bed_.servers[0].address}, steady_clock::now() + 10s);
    auto second =
        bed_.redis->connect({.host = bed_.servers[load_.pairs].address}, steady_clock::now() + 10s);
    std::vector<double> all;
    for (const auto end = steady_clock::now() + time; steady_clock::now() < end;) {
      for (auto* line : {&first, &second}) {
        const auto begin = steady_clock::now();
        static_cast<void>((**line)->pipeline({{"GET", "k"}}, steady_clock::now() + 60s));
        all.push_back(seconds_since(begin) * 1000);
      }
      std::this_thread::sleep_for(500us);
    }
    return all;
  }

  static double at(std::vector<double> all, double part) {
    std::ranges::sort(all);
    return all.empty()
               ? 0
               : all[std::min(all.size() - 1,
                              static_cast<std::size_t>(part * static_cast<double>(all.size())))];
  }

  void bare_pair(std::size_t pair) {
    const auto& from = bed_.servers[source(pair)].address;
    const auto& to = bed_.servers[target(pair)].address;
    auto line = bed_.redis->connect({.host = from}, steady_clock::now() + 10s);
    auto other = bed_.redis->connect({.host = to}, steady_clock::now() + 10s);
    const auto far = steady_clock::now() + 600s;
    constexpr std::uint32_t k_at_once = 100;
    for (std::uint32_t slot = slots_[pair].first(); slot <= slots_[pair].last();
         slot += k_at_once) {
      const std::uint32_t last = std::min(slot + k_at_once - 1, slots_[pair].last());
      std::vector<Command> importing;
      std::vector<Command> migrating;
      std::vector<Command> lists;
      std::vector<Command> owner;
      for (std::uint32_t each = slot; each <= last; ++each) {
        const std::string number = std::to_string(each);
        importing.push_back(
            {"CLUSTER", "SETSLOT", number, "IMPORTING", ids_[source(pair)].to_text()});
        migrating.push_back(
            {"CLUSTER", "SETSLOT", number, "MIGRATING", ids_[target(pair)].to_text()});
        lists.push_back({"CLUSTER", "GETKEYSINSLOT", number, "100000"});
        owner.push_back({"CLUSTER", "SETSLOT", number, "NODE", ids_[target(pair)].to_text()});
      }
      static_cast<void>((*other)->pipeline(importing, far));
      static_cast<void>((*line)->pipeline(migrating, far));
      const auto keys = (*line)->pipeline(lists, far);
      std::vector<Command> migrate;
      for (const core::Reply& list : *keys) {
        for (std::size_t i = 0; i < list.items.size(); i += 1000) {
          migrate.push_back({"MIGRATE", to, "6379", "", "0", "60000", "KEYS"});
          for (std::size_t key = i; key < std::min(i + 1000, list.items.size()); ++key) {
            migrate.back().push_back(list.items[key].text);
          }
        }
      }
      static_cast<void>((*line)->pipeline(migrate, far));
      static_cast<void>((*other)->pipeline(owner, far));
      static_cast<void>((*line)->pipeline(owner, far));
    }
  }

  /// redis-cli chooses which slots it takes; ours are to be where the next run expects them.
  void restore_own() {
    auto cluster = bed_.cluster();
    cluster->ask(observe::Ask::topology, steady_clock::now() + 10s);
    for (std::size_t pair = 0; pair < load_.pairs; ++pair) {
      core::SlotSet wanted;
      wanted.insert(slots_[pair]);
      const core::SlotSet lacking =
          wanted.without(cluster->view().members[target(pair)].self()->slots);
      if (!lacking.empty()) {
        std::fprintf(stderr, "redis-cli moved others than slots %s\n", lacking.to_text().c_str());
        std::exit(1);
      }
    }
  }

  Load load_;
  ClusterBed bed_;
  std::vector<core::SlotRange> slots_;
  std::vector<core::NodeId> ids_;
  std::map<std::string, Rows> rows_ = {};
  bool forth_ = true;
};

void compare(const Load& load, int rounds) {
  std::printf("%s\n", load.name);
  Bench bench(load);
  for (int i = 0; i < rounds; ++i) {
    const double bare = bench.run("bare pipeline of MIGRATE", [&] { bench.bare(); });
    const auto classic = [&] { bench.ours(core::MoveWay::classic); };
    const double ours = bench.run("kubectl redis", classic);
    const double cli =
        bench.run("redis-cli --cluster reshard", [&] { bench.redis_cli("redis-cli"); });
    bench.run("kubectl redis", classic);
    for (int back = 0; back < 2; ++back) {
      bench.run("  --max-latency 0.2ms",
                [&] { bench.ours(core::MoveWay::classic, {.max_latency = 200us}); });
    }
    std::printf("  of bare %.2f, of redis-cli %.1f\n", ours / bare, ours / cli);
    if (bench.job_end()) {
      const double alone = bench.run("the servers' own move, bare", [&] { bench.bare_atomic(); });
      const double atomic =
          bench.run("kubectl redis --how atomic", [&] { bench.ours(core::MoveWay::atomic); });
      std::printf("  of the servers' own %.2f\n", atomic / alone);
    }
  }
  bench.print_medians();
}

}  // namespace

/// reshard_bench [ROUNDS [CASE]]
int main(int count, char** arguments) {
  const int rounds = count > 1 ? std::atoi(arguments[1]) : 3;
  const std::vector<Load> loads{
      {"1,000 slots with 63 keys of 100 B, one pair", 1000, 63, 100, 1},
      {"1,000 slots with 63 keys of 100 B, three pairs", 1000, 63, 100, 3},
      {"100 slots with 100 keys of 16 KB, one pair", 100, 100, 16384, 1},
      {"100 slots with 100 keys of 16 KB, three pairs", 100, 100, 16384, 3},
      {"1,000 slots with 1,000 keys of 100 B, one pair", 1000, 1000, 100, 1},
  };
  for (std::size_t i = 0; i < loads.size(); ++i) {
    if (count < 3 || static_cast<std::size_t>(std::atoi(arguments[2])) == i) {
      compare(loads[i], rounds);
    }
  }
}
