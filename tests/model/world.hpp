// SPDX-License-Identifier: Apache-2.0
//
// A cluster of Redis nodes as a simulation: what each knows of the others, slots, marks, epochs,
// keys with values and times to live, news that takes its time, and processes that pause, die and
// come back. Everything random comes from one seed. Roles and news are bus.cpp; commands are
// commands.cpp. https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
#pragma once

#include <bitset>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "shared/core/reply.hpp"
#include "shared/core/slot_set.hpp"
#include "tests/model/turns.hpp"

namespace kredis::model {

using Slots = std::bitset<core::k_slot_count>;
using Ident = int;  ///< A node's id: its place in World::ids. A hard reset gives a new one.
inline constexpr Ident k_nobody = -1;

struct Value {
  std::int64_t version = 0;     ///< Of this key: each write counts it up.
  std::int64_t expires_ms = 0;  ///< 0: never.
  friend bool operator==(const Value&, const Value&) = default;
};
using KeysOfSlot = std::map<std::string, Value>;

/// A node as another one sees it, or as it sees itself.
struct Seen {
  bool known = false;
  bool replica = false;
  Ident master = k_nobody;
  std::uint64_t epoch = 0;
  Slots slots = {};
  bool failed = false;
  std::optional<Time> silent_since = {};
  std::string slots_text = {};  ///< As CLUSTER NODES has it; empty: to be made.
};

/// Commands that one connection sent, in their order.
struct Call {
  std::vector<core::Command> commands;
  std::vector<core::Reply> replies = {};
  std::size_t most = SIZE_MAX;  ///< So many are done, and then the connection breaks.
  bool of_plugin = false;
  bool asking = false;
  std::function<void(bool whole)> done = {};
};

struct ModelNode {
  std::size_t place = 0;
  Ident id = k_nobody;
  std::string pod = {};
  std::string host = {};
  bool up = true;
  Time paused_until = Time(0);
  bool busy = false;            ///< In a MIGRATE.
  std::uint64_t life = 0;       ///< Counted up by each death.
  bool in_sync = false;         ///< A replica's, with its master.
  Time fails_until = Time(0);   ///< Says CLUSTERDOWN until then.
  Time starts_until = Time(0);  ///< Takes no write until then: CLUSTER_WRITABLE_DELAY.
  bool state_ok = true;
  std::uint64_t current_epoch = 0;
  std::vector<Seen> seen = {};  ///< By Ident.
  std::vector<Ident> owner = std::vector<Ident>(core::k_slot_count, k_nobody);
  std::size_t unowned = core::k_slot_count;
  std::map<std::uint32_t, Ident> migrating = {};
  std::map<std::uint32_t, Ident> importing = {};
  std::map<std::uint32_t, KeysOfSlot> keys = {};
  std::map<Ident, Time> banned = {};
  std::deque<std::shared_ptr<Call>> inbox = {};
  std::map<std::string, std::string> settings = {};

  Seen& self() { return seen[static_cast<std::size_t>(id)]; }
  const Seen& self() const { return seen[static_cast<std::size_t>(id)]; }
  bool is_master() const { return !self().replica; }
};

/// How servers differ, and how unruly it is.
struct Manners {
  bool valkey = false;          ///< Replicas hear SETSLOT, and all nodes of BUMPEPOCH.
  bool deletes_strays = false;  ///< A start deletes keys of slots that are not the node's.
  bool large = false;           ///< Holds so much that keys are asked for their size.
  int crowded = 1;              ///< DBSIZE says so many times what is there.
  Time bus_delay = std::chrono::milliseconds(5);
  double broken_calls = 0;     ///< Of a plugin's calls.
  double broken_migrates = 0;  ///< Of what MIGRATE sends.
};

/// Who wants a replica in its master's place.
enum class Asked { fate, plugin };

class World {
 public:
  World(Turns& turns, std::uint64_t seed);

  // Making it.
  ModelNode& add(const std::string& pod, const std::string& host);
  /// All know each other and the owner of every slot.
  void form(const std::vector<core::SlotSet>& by_master, int replicas);
  void begin();  ///< News and time-outs go on from now.
  void end() { ended_ = true; }

  // Chance.
  std::uint64_t below(std::uint64_t end) { return end == 0 ? 0 : random_() % end; }
  bool chance(double probability) {
    return static_cast<double>(random_() >> 11) * 0x1.0p-53 < probability;
  }
  Time between(std::int64_t low_us, std::int64_t high_us) {
    return std::chrono::microseconds(
        low_us +
        static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high_us - low_us + 1))));
  }
  std::mt19937_64& random() { return random_; }

  // What befalls processes.
  void kill(ModelNode& node, Time until);
  void pause(ModelNode& node, Time until);
  /// As somebody else's CLUSTER FAILOVER of a replica of `master`.
  void fail_over(ModelNode& master);
  bool works(const ModelNode& node) const { return node.up && node.paused_until <= turns_.now(); }

  // Commands: the node does them in their turn.
  void send(ModelNode& node, std::shared_ptr<Call> call, Time delay);
  ModelNode* at_host(const std::string& host);
  ModelNode* of_ident(Ident id);

  // Clients.
  void client_writes(const std::string& key);
  void add_key(const std::string& key, std::int64_t expires_ms);

  // Judging.
  /// A key's value that clients were last promised.
  const std::map<std::string, Value>& truth() const { return truth_; }
  std::string violation = {};  ///< The first thing that must not be; empty: none.
  void violate(const std::string& what);
  /// Whether a replica that rose may have keys of slots that are half moved, and no mark of them,
  /// as servers below Valkey 8 do (redis#6339): a restart of one that deletes what is not its own
  /// loses them, whoever moves slots. Such restarts are left out here.
  bool has_unmarked_keys() const { return rose && !manners.valkey; }
  bool rose = false;  ///< Some replica.
  /// What is not as it has to be in the end; empty: all well.
  std::string not_whole();

  void trace(const std::function<std::string()>& text);
  bool verbose = false;
  std::uint64_t hash = 14695981039346656037U;
  Manners manners = {};
  std::vector<std::string> ids = {};
  std::deque<ModelNode> nodes = {};
  Turns& turns() { return turns_; }

 private:
  friend class Commands;

  // world.cpp
  void pump(ModelNode& node);
  void finish(ModelNode& node, const std::shared_ptr<Call>& call, bool whole);
  void come_back(ModelNode& node);
  void judge_strays(ModelNode& node);
  void put(ModelNode& node, std::uint32_t slot, const std::string& key, const Value& value);
  void erase(ModelNode& node, std::uint32_t slot, const std::string& key, const std::string& why);
  void check_copies(const std::string& key, const std::string& why);
  core::Reply migrated(
      ModelNode& node, const Call& sent, std::uint32_t slot, std::size_t heard, bool whole);
  void copy_all(ModelNode& replica, ModelNode& master);
  std::vector<ModelNode*> replicas_of(const ModelNode& master);
  bool accepts(const ModelNode& node, std::uint32_t slot, const std::string& key) const;
  int acceptors(std::uint32_t slot);
  void client_hop(const std::string& key, ModelNode& node, bool asking, int hops);

  // bus.cpp
  struct Header;
  void tick();
  void tick_failures();
  void tick_elections();
  enum class Packet { ping, meet, publish };
  void broadcast(const ModelNode& from, Packet packet = Packet::ping);
  void tell(const ModelNode& from, ModelNode& to, Packet packet);
  void hear(ModelNode& viewer, const Header& header);
  void hear_gossip(ModelNode& viewer, Seen& sender, const Header& header);
  void hear_slots(ModelNode& viewer, Ident sender, std::uint64_t epoch, const Slots& slots);
  void correct(ModelNode& viewer, const Header& header);
  void learn(ModelNode& viewer, Ident id);
  void forget(ModelNode& viewer, Ident id);
  static void set_owner(ModelNode& viewer, std::uint32_t slot, Ident owner);
  void follow(ModelNode& node, Ident master);
  void sync(ModelNode& replica, std::uint64_t life);
  bool promote(ModelNode& replica, Asked by);
  void hand_over(ModelNode& master, ModelNode& replica, Asked by);
  bool bump(ModelNode& node);
  void refresh_state(ModelNode& node);
  bool has_majority();
  Time bus_time() { return between(100, manners.bus_delay.count() / 1000 + 200); }
  Ident new_ident();

  Turns& turns_;
  std::mt19937_64 random_;
  std::map<std::string, Value> truth_ = {};
  bool ended_ = false;
};

}  // namespace kredis::model
