// SPDX-License-Identifier: Apache-2.0
#include "plugin/render/drill_text.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "plugin/render/human.hpp"

namespace kredis::plugin {
namespace {

using std::chrono::milliseconds;
using wire::DrillReport;
using wire::ProbeInterval;

constexpr std::size_t k_rows = 5;
constexpr std::array k_eighths{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

std::string seconds(milliseconds time) {
  return fmt::format("{:.2f} s", static_cast<double>(time.count()) / 1000);
}

std::string place_of(const core::Pod& pod) {
  const core::FailureDomain& at = pod.domain;
  return at.node.empty() ? "" : " on " + at.node + (at.zone.empty() ? "" : " (" + at.zone + ")");
}

std::string row(const char* what, const std::string& value, const std::string& note) {
  return fmt::format("  {:<13} {:>9}{}\n", what, value, note.empty() ? "" : "   " + note);
}

std::string time_row(const char* what,
                     const std::optional<milliseconds>& time,
                     const std::string& note,
                     const std::string& otherwise) {
  return row(what, time ? seconds(*time) : "-", time ? note : otherwise);
}

std::string render_times(const DrillReport& report) {
  const wire::DrillTimes& times = report.times;
  const std::string& pod = report.drill.pod.name;
  const std::string follows = report.heir
                                  ? "every node agrees, " + pod + " follows " + report.heir_pod
                                  : "every node agrees, " + pod + " is master as before";
  return time_row("to suspect", times.suspected, "a node could not reach it", "no node missed it") +
         time_row("to detect",
                  times.detected,
                  "a majority agreed that it had failed",
                  times.promoted ? "it was handed over before anybody had to notice"
                                 : "it was back before a majority agreed") +
         time_row("to promote",
                  times.promoted,
                  report.heir_pod + " serves its slots",
                  "nobody took over") +
         time_row("to heal", times.healed, follows, "not healed: " + report.missing);
}

std::string render_probe(const DrillReport& report) {
  wire::ProbeTally all = report.probe.victim;
  all.add(report.probe.others);
  std::vector<std::string> reasons;
  for (const auto& [reason, count] : all.reasons()) {
    reasons.push_back(fmt::format("{} {}", human_count(count), reason));
  }
  const auto gap = [](const wire::ProbeTally& tally) {
    return seconds(std::chrono::duration_cast<milliseconds>(tally.gap().length));
  };
  const std::int64_t answered = all.writes() + all.reads();
  return row("operations",
             human_count(answered),
             fmt::format(
                 "{} writes, {} reads", human_count(all.writes()), human_count(all.reads()))) +
         row("failed", human_count(all.failures()), fmt::format("{}", fmt::join(reasons, ", "))) +
         row("longest gap",
             gap(report.probe.victim),
             "on its slots; elsewhere " + gap(report.probe.others)) +
         row("writes lost",
             report.probe.lost_writes ? human_count(*report.probe.lost_writes) : "?",
             report.probe.lost_writes ? "of those acknowledged"
                                      : "what was acknowledged could not be read back");
}

/// One column of the plot.
struct Column {
  double rate = 0;  ///< Operations per interval.
  bool failed = false;
};

std::vector<Column> columns_of(const std::vector<ProbeInterval>& intervals, std::size_t each) {
  std::vector<Column> columns;
  for (std::size_t first = 0; first < intervals.size(); first += each) {
    const std::size_t last = std::min(first + each, intervals.size());
    std::int64_t sum = 0;
    Column column;
    for (std::size_t i = first; i < last; ++i) {
      sum += intervals[i].acknowledged;
      column.failed |= intervals[i].failed > 0;
    }
    column.rate = static_cast<double>(sum) / static_cast<double>(last - first);
    columns.push_back(column);
  }
  return columns;
}

std::string bars(const std::vector<Column>& columns, double top, const TextStyle& style) {
  std::string text;
  for (std::size_t line = k_rows; line-- > 0;) {
    std::string bar;
    for (const Column& column : columns) {
      const double eighths =
          8 * static_cast<double>(k_rows) * column.rate / top - 8 * static_cast<double>(line);
      // Whatever was answered at all shows.
      const double least = line == 0 && column.rate > 0 ? 1 : 0;
      bar += k_eighths[static_cast<std::size_t>(std::clamp(eighths, least, 8.0))];
    }
    const std::string scale = line + 1 == k_rows ? fmt::format("{:.0f}", top)
                              : line == 0        ? "0"
                                                 : "";
    text += fmt::format("  {:>5} ┤", scale) + style.green(bar) + "\n";
  }
  return text;
}

/// The letters below the plot: what happened in which column.
std::string marks(const DrillReport& report, std::size_t columns, std::size_t each) {
  std::string text(columns, ' ');
  const auto mark = [&](const std::optional<milliseconds>& time, char letter) {
    if (time) {
      const milliseconds at = report.probe.struck_at + *time;
      const auto column = static_cast<std::size_t>(at / wire::k_probe_interval) / each;
      text[std::min(column, columns - 1)] = letter;
    }
  };
  mark(report.times.healed, 'H');
  mark(report.times.detected, 'D');
  mark(report.times.promoted, 'P');
  mark(milliseconds{0}, 'X');
  return text;
}

}  // namespace

std::string render_drill_plan(const DrillReport& report) {
  const core::Drill& drill = report.drill;
  std::vector<std::string> others;
  for (std::size_t i = 1; i < drill.replicas.size(); ++i) {
    others.push_back(drill.replicas[i].name);
  }
  const std::string how =
      report.strike == wire::DrillStrike::delete_pod
          ? "is deleted"
          : "hangs for twice its cluster-node-timeout and 3 s, with its connections open";
  const std::string step =
      drill.lag_bytes == 0 ? "in step" : human_bytes(drill.lag_bytes) + " behind";
  return fmt::format("{}, master of slots {}{}, {}; {} ({}){} may take over\n",
                     drill.pod.name,
                     drill.slots.to_text(),
                     place_of(drill.pod),
                     how,
                     drill.replicas.front().name,
                     step,
                     others.empty() ? "" : fmt::format(" or {}", fmt::join(others, ", "))) +
         "clients of these slots may fail until then; writes and reads of a probe count how many\n";
}

std::string render_drill_plot(const DrillReport& report, const TextStyle& style) {
  constexpr std::size_t k_margin = 9;
  const std::vector<ProbeInterval>& intervals = report.probe.victim.intervals();
  if (intervals.empty()) {
    return "";
  }
  const std::size_t room = std::max<std::size_t>(style.width(), k_margin + 20) - k_margin;
  const std::size_t each = (intervals.size() + room - 1) / room;
  const std::vector<Column> columns = columns_of(intervals, each);
  const double top = std::max(1.0, std::ranges::max(columns, {}, &Column::rate).rate);
  std::string failed;
  for (const Column& column : columns) {
    failed += column.failed ? "x" : " ";
  }
  const std::string margin(k_margin - 1, ' ');
  std::string text = fmt::format("  operations per {} ms on its slots; a column is {} ms\n",
                                 wire::k_probe_interval.count(),
                                 static_cast<std::int64_t>(each) * wire::k_probe_interval.count());
  text += bars(columns, top, style);
  return text + margin + style.red(failed) + "\n" + margin + marks(report, columns.size(), each) +
         "\n  X struck  D detected  P promoted  H healed  x operations failed\n";
}

std::string render_drill(const DrillReport& report, const TextStyle& style) {
  const char* how = report.strike == wire::DrillStrike::delete_pod ? "was deleted" : "was frozen";
  return fmt::format("{}, master of slots {}{}, {}\n",
                     style.bold(report.drill.pod.name),
                     report.drill.slots.to_text(),
                     place_of(report.drill.pod),
                     how) +
         render_times(report) + render_probe(report) + render_drill_plot(report, style);
}

}  // namespace kredis::plugin
