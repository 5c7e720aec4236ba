// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/config_drift.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "shared/core/text.hpp"
#include "shared/wire/redis_directives.hpp"

namespace kredis::wire {
namespace {

/// No node tells these, or it tells something else than the file says.
constexpr std::array<std::string_view, 6> k_untold{
    "user", "include", "loadmodule", "rename-command", "ignore-warnings", "locale-collate"};

/// Read at the start in at least one version from 6.2 on. A live server that refuses another one is
/// restarted as well: this list is what a plan can know beforehand.
constexpr std::string_view k_fixed =
    "aclfile always-show-logo aof-rewrite-cpulist aof_rewrite_cpulist appenddirname appendfilename "
    "availability-zone bgsave-cpulist bgsave_cpulist bio-cpulist bio_cpulist cluster-config-file "
    "cluster-databases cluster-enabled cluster-port crash-memcheck-enabled daemonize databases "
    "dbfilename dir disable-thp enable-debug-command enable-module-command "
    "enable-protected-configs extended-redis-compatibility hash-seed io-threads "
    "io-threads-do-reads logfile lua-enable-insecure-api pidfile port rdbchecksum rdma-bind "
    "rdma-port req-res-logfile server-cpulist server_cpulist set-proc-title socket-mark-id "
    "supervised syslog-enabled syslog-facility syslog-ident tcp-backlog unixsocket unixsocketgroup "
    "unixsocketperm use-exit-on-panic";

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? "" : " ") + word;
  }
  return text;
}

bool is_untold(const std::string& name) {
  return std::ranges::find(k_untold, name) != k_untold.end();
}

/// "100mb" in bytes, as Redis reads it. Nothing when it is no amount.
std::optional<std::uint64_t> memory_bytes(std::string_view text) {
  struct Unit {
    std::string_view name;
    std::uint64_t bytes;
  };
  constexpr std::array k_units{Unit{"", 1},
                               Unit{"b", 1},
                               Unit{"k", 1000},
                               Unit{"kb", 1U << 10U},
                               Unit{"m", 1'000'000},
                               Unit{"mb", 1U << 20U},
                               Unit{"g", 1'000'000'000},
                               Unit{"gb", 1U << 30U}};
  const std::string lower = core::to_lower(text);
  const std::size_t digits = std::min(lower.find_first_not_of("0123456789"), lower.size());
  const auto number = core::to_number<std::uint64_t>(std::string_view{lower}.substr(0, digits));
  const auto unit = std::ranges::find(k_units, std::string_view{lower}.substr(digits), &Unit::name);
  return number && unit != k_units.end() ? std::optional{*number * unit->bytes} : std::nullopt;
}

std::string canonical_memory(std::string_view text) {
  const auto bytes = memory_bytes(text);
  return bytes ? std::to_string(*bytes) : std::string{text};
}

/// "normal 0 0 0 replica 268435456 ..." by class; a class that is not named keeps what it has.
std::map<std::string, std::string> buffer_limits(std::string_view text) {
  std::map<std::string, std::string> limits;
  const auto words = core::split_words(text);
  for (std::size_t i = 0; i + 3 < words.size(); i += 4) {
    const std::string name = core::to_lower(words[i]);
    limits[name == "slave" ? "replica" : name] = canonical_memory(words[i + 1]) + " " +
                                                 canonical_memory(words[i + 2]) + " " +
                                                 std::string{words[i + 3]};
  }
  return limits;
}

bool same_buffer_limits(std::string_view wanted, std::string_view found) {
  const auto has = buffer_limits(found);
  return std::ranges::all_of(buffer_limits(wanted), [&](const auto& limit) {
    const auto at = has.find(limit.first);
    return at != has.end() && at->second == limit.second;
  });
}

/// Save points as a set: their order says nothing.
std::vector<std::pair<std::string, std::string>> save_points(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> points;
  const auto words = core::split_words(text);
  for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
    points.emplace_back(words[i], words[i + 1]);
  }
  std::ranges::sort(points);
  return points;
}

/// Flags of keyspace events in one order; A stands for all kinds of commands.
std::string canonical_events(std::string_view text) {
  std::string flags{text};
  if (flags.find('A') != std::string::npos) {
    std::erase_if(flags, [](char c) {
      return std::string_view{"g$lshzxetd"}.find(c) != std::string_view::npos;
    });
  }
  std::ranges::sort(flags);
  flags.erase(std::unique(flags.begin(), flags.end()), flags.end());
  return flags;
}

std::string canonical_words(std::string_view text) {
  std::string out;
  for (const std::string_view word : core::split_words(text)) {
    out += (out.empty() ? "" : " ") + std::string{word};
  }
  return out;
}

bool is_same(const std::string& name, const std::string& wanted, const std::string& found) {
  if (name == "save") {
    return save_points(wanted) == save_points(found);
  }
  if (name == "client-output-buffer-limit") {
    return same_buffer_limits(wanted, found);
  }
  if (name == "notify-keyspace-events") {
    return canonical_events(wanted) == canonical_events(found);
  }
  const DirectiveType* type = find_directive(name);
  switch (type == nullptr ? ValueKind::words : type->kind) {
    case ValueKind::memory:
      return canonical_memory(wanted) == canonical_memory(found);
    case ValueKind::boolean:
    case ValueKind::choice:
      return core::to_lower(wanted) == core::to_lower(found);
    case ValueKind::number: {
      const auto a = core::to_number<std::int64_t>(wanted);
      const auto b = core::to_number<std::int64_t>(found);
      return a && b ? *a == *b : canonical_memory(wanted) == canonical_memory(found);
    }
    case ValueKind::word:
      return wanted == found;
    case ValueKind::words:
      break;
  }
  return canonical_words(wanted) == canonical_words(found);
}

/// `save` lines add up, an empty one clears; buffer limits add up by class; else the last counts.
void merge(WantedSetting& setting, const std::string& value) {
  const bool adds_up =
      setting.name == "client-output-buffer-limit" || (setting.name == "save" && !value.empty());
  setting.value = adds_up && !setting.value.empty() ? setting.value + " " + value : value;
}

}  // namespace

std::vector<WantedSetting> wanted_settings(const RedisConf& config) {
  std::vector<WantedSetting> settings;
  for (const RedisDirective& directive : config.directives) {
    if (is_untold(directive.name)) {
      continue;
    }
    auto at = std::ranges::find(settings, directive.name, &WantedSetting::name);
    if (at == settings.end()) {
      settings.push_back({.name = directive.name, .value = {}});
      at = std::prev(settings.end());
    }
    merge(*at, joined(directive.arguments));
    at->line = directive.line;
  }
  return settings;
}

std::vector<std::string> untold_settings(const RedisConf& config) {
  std::vector<std::string> names;
  for (const RedisDirective& directive : config.directives) {
    if (is_untold(directive.name) && std::ranges::find(names, directive.name) == names.end()) {
      names.push_back(directive.name);
    }
  }
  return names;
}

std::vector<Drift> drift_of(const RedisConf& config,
                            const std::map<std::string, std::string>& running) {
  std::vector<Drift> drifts;
  for (const WantedSetting& setting : wanted_settings(config)) {
    Drift drift{.name = setting.name,
                .wanted = setting.value,
                .found = {},
                .mend = mend_of(setting.name),
                .line = setting.line};
    const auto found = running.find(setting.name);
    if (found == running.end()) {
      drift.known = false;
      drifts.push_back(std::move(drift));
      continue;
    }
    drift.found = found->second;
    if (!is_same(setting.name, setting.value, found->second)) {
      drifts.push_back(std::move(drift));
    }
  }
  return drifts;
}

Mend mend_of(std::string_view name) {
  const auto fixed = core::split_words(k_fixed);
  return std::ranges::find(fixed, name) != fixed.end() ? Mend::restart : Mend::live;
}

bool is_secret_setting(std::string_view name) {
  return name == "requirepass" || name == "masterauth" || name == "primaryauth" ||
         name.ends_with("-pass");
}

}  // namespace kredis::wire
