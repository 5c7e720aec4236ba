// SPDX-License-Identifier: Apache-2.0
//
// Runs seeds of the model: `model_test` so many as KREDIS_MODEL_SEEDS says (200), `--seed N` one,
// with all that happens in it, `--from N` others than the first ones.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "shared/core/text.hpp"
#include "tests/model/scenario.hpp"

namespace {

using kredis::model::Outcome;
using kredis::model::run_scenario;
using kredis::model::Telling;

/// Every so many seeds one is run twice, and has to go the same way.
constexpr std::uint64_t k_twice = 100;
/// So many tell enough.
constexpr int k_most_failures = 20;

struct Tally {
  int seeds = 0;
  int runs = 0;
  std::uint64_t calls = 0;
};

int run_one(std::uint64_t seed) {
  const Outcome outcome = run_scenario(seed, Telling::yes);
  std::printf("seed %llu: %s, %d runs, %llu calls, trace %016llx: %s\n",
              static_cast<unsigned long long>(seed),
              outcome.verb.c_str(),
              outcome.runs,
              static_cast<unsigned long long>(outcome.calls),
              static_cast<unsigned long long>(outcome.hash),
              outcome.wrong.empty() ? "well" : outcome.wrong.c_str());
  return outcome.wrong.empty() ? 0 : 1;
}

int run_all(std::uint64_t from, std::uint64_t count) {
  const auto began = std::chrono::steady_clock::now();
  std::map<std::string, Tally> tallies;
  int failures = 0;
  for (std::uint64_t seed = from; seed < from + count && failures < k_most_failures; ++seed) {
    Outcome outcome = run_scenario(seed, Telling::no);
    if (seed % k_twice == 0 && run_scenario(seed, Telling::no).hash != outcome.hash) {
      outcome.wrong = "the same seed went another way the second time";
    }
    Tally& tally = tallies[outcome.verb];
    ++tally.seeds;
    tally.runs += outcome.runs;
    tally.calls += outcome.calls;
    if (!outcome.wrong.empty()) {
      ++failures;
      std::printf("seed %llu (%s): %s\n",
                  static_cast<unsigned long long>(seed),
                  outcome.verb.c_str(),
                  outcome.wrong.c_str());
      std::fflush(stdout);
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  for (const auto& [verb, tally] : tallies) {
    std::printf("%-10s %6d seeds, %6d runs of the command, %9llu calls\n",
                verb.c_str(),
                tally.seeds,
                tally.runs,
                static_cast<unsigned long long>(tally.calls));
  }
  std::printf("%llu seeds from %llu in %.1f s, %d of them wrong; one again: --seed N\n",
              static_cast<unsigned long long>(count),
              static_cast<unsigned long long>(from),
              took.count(),
              failures);
  return failures == 0 ? 0 : 1;
}

std::uint64_t number(const char* text, std::uint64_t otherwise) {
  return text == nullptr ? otherwise
                         : kredis::core::to_number<std::uint64_t>(text).value_or(otherwise);
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t from = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::string(argv[i]) == "--seed") {
      return run_one(number(argv[i + 1], 1));
    }
    if (std::string(argv[i]) == "--from") {
      from = number(argv[i + 1], 1);
    }
  }
  return run_all(from, number(std::getenv("KREDIS_MODEL_SEEDS"), 200));
}
