// SPDX-License-Identifier: Apache-2.0
#include "shared/wire/redis_info.hpp"

#include <cstdint>
#include <utility>

#include "shared/core/text.hpp"

namespace kredis::wire {
namespace {

using Fields = std::map<std::string, std::string, std::less<>>;

std::string text_field(const Fields& fields, std::string_view name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string{} : found->second;
}

/// Reads a number; 0 when this server does not write the field.
Result<std::int64_t> number_field(const Fields& fields, std::string_view name) {
  const auto found = fields.find(name);
  if (found == fields.end()) {
    return std::int64_t{0};
  }
  const auto value = core::to_number<std::int64_t>(found->second);
  if (!value) {
    return Error::protocol("INFO: no number in the line " +
                           core::quoted(std::string{name} + ":" + found->second));
  }
  return *value;
}

/// Adds up the keys of "db0:keys=12,expires=0,avg_ttl=0" lines.
Result<std::int64_t> count_keys(const Fields& fields) {
  std::int64_t keys = 0;
  for (auto field = fields.lower_bound("db"); field != fields.end(); ++field) {
    const auto& [name, value] = *field;
    if (!name.starts_with("db")) {
      break;
    }
    if (!core::to_number<int>(std::string_view{name}.substr(2))) {
      continue;
    }
    const std::string_view first = std::string_view{value}.substr(0, value.find(','));
    const auto count =
        first.starts_with("keys=") ? core::to_number<std::int64_t>(first.substr(5)) : std::nullopt;
    if (!count || *count < 0 || __builtin_add_overflow(keys, *count, &keys)) {
      return Error::protocol("INFO: no number of keys in the line " +
                             core::quoted(name + ":" + value));
    }
  }
  return keys;
}

Status read_replication(const Fields& fields, core::ServerInfo& info) {
  const bool replica = text_field(fields, "role") == "slave";
  info.role = replica ? core::Role::replica : core::Role::master;
  info.master_link_up = replica && text_field(fields, "master_link_status") == "up";
  info.master_host = replica ? text_field(fields, "master_host") : "";
  const bool own_offset = replica && fields.contains("slave_repl_offset");
  KREDIS_TRY(info.replication_offset,
             number_field(fields, own_offset ? "slave_repl_offset" : "master_repl_offset"));
  KREDIS_TRY(info.connected_replicas, number_field(fields, "connected_slaves"));
  for (const char* name : {"min_slaves_good_slaves", "min_replicas_good_replicas"}) {
    if (fields.contains(name)) {
      KREDIS_TRY(info.good_replicas, number_field(fields, name));
    }
  }
  return {};
}

using ReadSetting = void (*)(const std::string&, core::ServerInfo&);

/// What INFO does not tell. Of passwords only whether there is one is kept.
constexpr std::pair<std::string_view, ReadSetting> k_settings[] = {
    {"save",
     [](const std::string& text, core::ServerInfo& info) { info.rdb_enabled = !text.empty(); }},
    {"stop-writes-on-bgsave-error",
     [](const std::string& text, core::ServerInfo& info) { info.stops_writes = text == "yes"; }},
    {"requirepass",
     [](const std::string& text, core::ServerInfo& info) { info.wants_password = !text.empty(); }},
    {"masterauth",
     [](const std::string& text, core::ServerInfo& info) { info.gives_password = !text.empty(); }},
    {"min-replicas-to-write",
     [](const std::string& text, core::ServerInfo& info) {
       info.least_replicas = core::to_number<std::int64_t>(text);
     }},
    {"cluster-node-timeout",
     [](const std::string& text, core::ServerInfo& info) {
       info.node_timeout_ms = core::to_number<std::int64_t>(text);
     }},
    {"io-threads",
     [](const std::string& text, core::ServerInfo& info) {
       info.io_threads = core::to_number<std::int64_t>(text);
     }},
};

}  // namespace

Fields parse_info_fields(std::string_view text) {
  Fields fields;
  for (const std::string_view line : core::split_lines(text)) {
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && !line.starts_with('#')) {
      fields.insert_or_assign(std::string{line.substr(0, colon)},
                              std::string{core::trim(line.substr(colon + 1))});
    }
  }
  return fields;
}

Result<core::ServerInfo> parse_redis_info(std::string_view text) {
  const Fields fields = parse_info_fields(text);
  if (!fields.contains("redis_version") && !fields.contains("role")) {
    return Error::protocol("INFO: neither redis_version nor role in the answer " +
                           core::quoted(text));
  }
  core::ServerInfo info;
  const bool valkey =
      text_field(fields, "server_name") == "valkey" || fields.contains("valkey_version");
  info.server = valkey ? "valkey" : "redis";
  info.version =
      text_field(fields, fields.contains("valkey_version") ? "valkey_version" : "redis_version");
  info.loading = text_field(fields, "loading") == "1";
  info.cluster_enabled = text_field(fields, "cluster_enabled") == "1";
  info.aof_enabled = text_field(fields, "aof_enabled") == "1";
  info.snapshot_failed = text_field(fields, "rdb_last_bgsave_status") == "err";
  info.aof_rewriting = text_field(fields, "aof_rewrite_in_progress") == "1" ||
                       text_field(fields, "aof_rewrite_scheduled") == "1";
  info.aof_write_failed = text_field(fields, "aof_last_write_status") == "err";
  const std::string policy = text_field(fields, "maxmemory_policy");
  info.evicts = !policy.empty() && policy != "noeviction";
  KREDIS_TRY(info.used_memory_bytes, number_field(fields, "used_memory"));
  KREDIS_TRY(info.used_memory_rss_bytes, number_field(fields, "used_memory_rss"));
  KREDIS_TRY(info.max_memory_bytes, number_field(fields, "maxmemory"));
  if (fields.contains("number_of_libraries")) {
    KREDIS_TRY(info.libraries, number_field(fields, "number_of_libraries"));
  }
  KREDIS_TRY(info.uptime_seconds, number_field(fields, "uptime_in_seconds"));
  KREDIS_TRY(info.keys, count_keys(fields));
  KREDIS_CHECK(read_replication(fields, info));
  return info;
}

std::vector<core::Command> setting_questions() {
  std::vector<core::Command> commands;
  for (const auto& [name, read] : k_settings) {
    commands.push_back({"CONFIG", "GET", std::string{name}});
  }
  return commands;
}

void read_setting(const core::Reply& config_get, core::ServerInfo& info) {
  const auto& items = config_get.items;
  if (config_get.kind != core::Reply::Kind::array || items.size() != 2) {
    return;
  }
  for (const auto& [name, read] : k_settings) {
    if (items.front().text == name) {
      read(items.back().text, info);
    }
  }
}

}  // namespace kredis::wire
