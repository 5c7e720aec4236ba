// SPDX-License-Identifier: Apache-2.0
#include "webhook/certificate_plan.hpp"

#include <doctest/doctest.h>

#include "webhook/mint.hpp"

namespace {

using namespace kredis;
using std::chrono::seconds;
using webhook::CertificateLives;
using webhook::CertificateStep;
using webhook::CertificateStore;

constexpr std::time_t k_start = 1'800'000'000;
constexpr CertificateLives k_lives{seconds(120'000), seconds(12'000)};
const std::vector<std::string> k_names{"hook.system.svc"};

CertificateStore after(CertificateStore store, CertificateStep step, std::time_t now) {
  auto next = webhook::take_step(std::move(store), step, k_lives, k_names, now);
  REQUIRE(next.has_value());
  return *next;
}

CertificateStore fresh() { return after({}, CertificateStep::begin_anew, k_start); }

CertificateStep step_at(const CertificateStore& store, std::time_t now) {
  return webhook::next_step(store, k_lives, now);
}

}  // namespace

TEST_SUITE("webhook/certificate_plan") {
  TEST_CASE("next_step begins anew where there is nothing of use") {
    CHECK(step_at({}, k_start) == CertificateStep::begin_anew);
    CertificateStore store = fresh();
    CHECK(step_at(store, k_start) == CertificateStep::nothing);

    SUBCASE("a key of another certificate") { store.leaf.key_pem = store.authority_key; }
    SUBCASE("a certificate of an unknown authority") { store.authorities = fresh().authorities; }
    SUBCASE("no PEM") { store.leaf.certificate_pem = "rubbish"; }
    SUBCASE("no authority") { store.authorities.clear(); }
    CHECK(step_at(store, k_start) == CertificateStep::begin_anew);
  }

  TEST_CASE("next_step renews the certificate at two thirds of its life and not before") {
    const CertificateStore store = fresh();
    const auto validity = webhook::validity_of(store.leaf.certificate_pem);
    REQUIRE(validity.has_value());
    const std::time_t due = validity->from + (validity->until - validity->from) / 3 * 2;

    CHECK(step_at(store, due - 1) == CertificateStep::nothing);
    CHECK(step_at(store, due) == CertificateStep::new_leaf);
    const CertificateStore renewed = after(store, CertificateStep::new_leaf, due);
    CHECK(renewed.authorities == store.authorities);
    CHECK(renewed.leaf != store.leaf);
    CHECK(step_at(renewed, due) == CertificateStep::nothing);
  }

  TEST_CASE("a new authority is trusted before it signs and the old one after it did") {
    CertificateStore store = fresh();
    store.rotate_requested = k_start + 10;
    CHECK(step_at(store, k_start + 10) == CertificateStep::new_authority);

    const std::time_t known = k_start + 20;
    const CertificateStore both = after(store, CertificateStep::new_authority, known);
    CHECK(both.authorities.size() == 2);
    CHECK(both.leaf == store.leaf);
    const std::time_t signs = known + k_lives.overlap().count();
    CHECK(step_at(both, signs - 1) == CertificateStep::nothing);
    CHECK(step_at(both, signs) == CertificateStep::new_leaf);

    const CertificateStore signed_ = after(both, CertificateStep::new_leaf, signs);
    CHECK(webhook::is_signed_by(signed_.leaf.certificate_pem, both.authorities[0]));
    CHECK(signed_.authorities.size() == 2);
    const std::time_t settled = signs + k_lives.overlap().count();
    CHECK(step_at(signed_, settled - 1) == CertificateStep::nothing);
    CHECK(step_at(signed_, settled) == CertificateStep::forget_old);

    const CertificateStore done = after(signed_, CertificateStep::forget_old, settled);
    CHECK(done.authorities == std::vector<std::string>{both.authorities[0]});
    CHECK(step_at(done, settled) == CertificateStep::nothing);
  }

  TEST_CASE("walked through many lives, every certificate in use is valid and known beforehand") {
    CertificateStore store = fresh();
    std::vector<std::string> known_before = store.authorities;
    const CertificateLives& lives = k_lives;
    int leaves = 0;
    for (std::time_t now = k_start; now < k_start + 2'000'000; now += 397) {
      const CertificateStep step = step_at(store, now);
      CAPTURE(now);
      REQUIRE(step != CertificateStep::begin_anew);
      if (step != CertificateStep::nothing) {
        known_before = store.authorities;
        store = after(store, step, now);
        leaves += step == CertificateStep::new_leaf ? 1 : 0;
      }
      const auto validity = webhook::validity_of(store.leaf.certificate_pem);
      REQUIRE(validity.has_value());
      REQUIRE(now < validity->until);
      REQUIRE(store.authorities.size() <= 2);
      bool is_known = false;
      for (const std::string& authority : known_before) {
        is_known = is_known || webhook::is_signed_by(store.leaf.certificate_pem, authority);
      }
      REQUIRE(is_known);
    }
    CHECK(leaves > 2'000'000 / lives.leaf.count());
  }

}  // TEST_SUITE
