// SPDX-License-Identifier: Apache-2.0
//
// What one decision costs without the network: reading the review, the rules, the patch, the
// answer.
//
//   policy_bench REVIEW...       files with an AdmissionReview each
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "shared/policy/review.hpp"
#include "webhook/decision.hpp"
#include "webhook/review_reader.hpp"

namespace {

using namespace kredis;
using Clock = std::chrono::steady_clock;

constexpr int k_turns = 2000;

struct Costs {
  std::vector<double> reading;
  std::vector<double> all;
};

double median(std::vector<double>& values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

double microseconds_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

/// Exits when the review cannot be read or nothing is recognised: a bench must not time a refusal.
Costs measure(const std::string& text, webhook::Endpoint endpoint) {
  const webhook::Policy rules{
      .mutate = &policy::mutate, .validate = &policy::validate, .silence = &policy::silence_on};
  Costs costs;
  for (int turn = 0; turn < k_turns; ++turn) {
    const auto begin = Clock::now();
    auto body = webhook::read_review(text);
    auto review = body ? webhook::parse_review(std::move(*body))
                       : Result<webhook::Review>(tl::unexpected(body.error()));
    if (!review) {
      std::fprintf(stderr, "policy_bench: %s\n", review.error().message.c_str());
      std::exit(1);
    }
    costs.reading.push_back(microseconds_since(begin));
    const auto decision = webhook::decide(*review, endpoint, webhook::Level::enforce, rules, {});
    const std::string answer = webhook::answer_of(*review, decision);
    costs.all.push_back(microseconds_since(begin));
    if (!decision.recognised || answer.empty()) {
      std::fprintf(stderr, "policy_bench: the object is not recognised\n");
      std::exit(1);
    }
  }
  return costs;
}

void print(const std::string& what, double microseconds) {
  std::printf(
      "{\"bench\": \"policy\", \"case\": \"%s\", \"ours\": %.1f, \"peer\": null, \"unit\": \"us\", "
      "\"ratio\": null}\n",
      what.c_str(),
      microseconds);
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const std::string size = std::to_string((text.size() + 512) / 1024) + " KiB review";
    Costs mutating = measure(text, webhook::Endpoint::mutate);
    Costs validating = measure(text, webhook::Endpoint::validate);
    print("reading, " + size, median(mutating.reading));
    print("mutate, " + size, median(mutating.all));
    print("validate, " + size, median(validating.all));
  }
  return argc > 1 ? 0 : 2;
}
