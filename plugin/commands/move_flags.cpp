// SPDX-License-Identifier: Apache-2.0
#include "plugin/commands/move_flags.hpp"

#include "shared/wire/quantity.hpp"

namespace kredis::plugin {

void add_move_flags(Verb& verb, MoveFlags& flags) {
  verb.option("--max-latency",
              flags.max_latency,
              "What one exchange of a client may take longer for it; more is faster");
  verb.option("--bandwidth", flags.bandwidth, "Bytes of keys a second at most, such as 10Mi");
  verb.choice("--how",
              flags.how,
              Choices<core::MoveWay>{{"classic", core::MoveWay::classic},
                                     {"atomic", core::MoveWay::atomic}},
              "How slots move; without it atomically where all servers concerned can");
  verb.note_given(flags.given);
}

Result<MoveLimits> limits_of(const MoveFlags& flags) {
  MoveLimits limits{.max_latency = flags.max_latency};
  if (limits.max_latency <= std::chrono::milliseconds(0)) {
    return Error::invalid_argument("--max-latency has to be more than nothing")
        .with_hint("5ms is the default");
  }
  if (!flags.bandwidth.empty()) {
    KREDIS_TRY(const std::int64_t bytes, wire::parse_byte_quantity(flags.bandwidth));
    if (bytes < 1) {
      return Error::invalid_argument("--bandwidth has to be more than nothing")
          .with_hint("10Mi are ten mebibytes a second");
    }
    limits.bytes_per_second = bytes;
  }
  return limits;
}

core::WayWish way_of(const MoveFlags& flags) {
  core::WayWish wish{.how = flags.how};
  for (const std::string& flag : {std::string("--bandwidth"), std::string("--max-latency")}) {
    wish.bounded_by = flags.given.contains(flag) ? flag : wish.bounded_by;
  }
  return wish;
}

}  // namespace kredis::plugin
