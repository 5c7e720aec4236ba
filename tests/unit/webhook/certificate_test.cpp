// SPDX-License-Identifier: Apache-2.0
//
// Certificates in use: minted, and shared by replicas in a Secret.
#include <doctest/doctest.h>

#include "shared/core/labels.hpp"
#include "shared/kube/encoding.hpp"
#include "tests/unit/webhook/observer_bed.hpp"
#include "webhook/mint.hpp"
#include "webhook/own_certificate.hpp"

namespace kredis::webhook {
namespace {

using std::chrono::seconds;

constexpr std::time_t k_now = 1'800'000'000;
constexpr seconds k_day{24 * 3600};
const std::vector<std::string> k_names{"hook.system.svc"};

struct Minted {
  KeyPair authority = make_authority(k_now, 100 * k_day).value();
  KeyPair leaf = issue(authority, k_names, k_now, k_day).value();
};

TEST_SUITE("webhook/mint") {
  TEST_CASE("a certificate is signed by its authority and by no other") {
    const Minted one;
    const Minted other;
    CHECK(is_signed_by(one.leaf.certificate_pem, one.authority.certificate_pem));
    CHECK_FALSE(is_signed_by(one.leaf.certificate_pem, other.authority.certificate_pem));
    CHECK_FALSE(is_signed_by("rubbish", one.authority.certificate_pem));
    CHECK(one.leaf.key_pem != other.leaf.key_pem);
  }

  TEST_CASE("a certificate begins a little earlier and ends no later than its authority") {
    const Minted minted;
    struct Case {
      const char* label;
      seconds life;
      std::time_t until;
    };
    for (const Case& it : {Case{"a day", k_day, k_now + k_day.count()},
                           Case{"as long", 100 * k_day, k_now + 100 * k_day.count()},
                           Case{"longer", 101 * k_day, k_now + 100 * k_day.count()}}) {
      CAPTURE(it.label);
      const auto leaf = issue(minted.authority, k_names, k_now, it.life);
      REQUIRE(leaf.has_value());
      const auto validity = validity_of(leaf->certificate_pem);
      REQUIRE(validity.has_value());
      CHECK(validity->from == k_now - 300);
      CHECK(validity->until == it.until);
    }
  }

  TEST_CASE("nothing is issued by what is no authority, nor for nobody") {
    const Minted minted;
    const KeyPair torn{minted.authority.certificate_pem, minted.leaf.key_pem};
    CHECK(issue(torn, k_names, k_now, k_day).error().code == ErrorCode::invalid_argument);
    CHECK(issue({}, k_names, k_now, k_day).error().code == ErrorCode::invalid_argument);
    CHECK_FALSE(issue(minted.authority, {}, k_now, k_day).has_value());
    CHECK(validity_of("rubbish").error().message == "the certificate is not PEM");
  }

  TEST_CASE("split_bundle takes whole certificates and leaves the rest") {
    const Minted minted;
    const std::string& pem = minted.authority.certificate_pem;
    CHECK(split_bundle(pem + "noise\n" + pem) == std::vector<std::string>{pem, pem});
    CHECK(split_bundle(pem + pem.substr(0, 60)) == std::vector<std::string>{pem});
    CHECK(split_bundle("").empty());
  }

  TEST_CASE("a TLS context is made of what belongs together") {
    const Minted minted;
    CHECK(make_tls_context(minted.leaf).has_value());
    CHECK(make_tls_context(
              {minted.leaf.certificate_pem + minted.authority.certificate_pem, minted.leaf.key_pem})
              .has_value());
    struct Case {
      KeyPair pair;
      const char* message;
    };
    for (const Case& it : {Case{{"", minted.leaf.key_pem}, "the certificate is not PEM"},
                           Case{{minted.leaf.certificate_pem, "x"},
                                "the private key is not PEM, or has a passphrase"},
                           Case{{minted.leaf.certificate_pem, minted.authority.key_pem},
                                "the private key does not belong to the certificate"}}) {
      CAPTURE(it.message);
      const auto context = make_tls_context(it.pair);
      REQUIRE_FALSE(context.has_value());
      CHECK(context.error().code == ErrorCode::invalid_argument);
      CHECK(context.error().message == it.message);
    }
  }
}

struct OwnBed {
  OwnBed() {
    for (const char* kind : {"mutating", "validating"}) {
      kube.put(std::string(kind) + "webhookconfigurations",
               {{"metadata", {{"name", "hook"}}},
                {"webhooks",
                 Json::array({{{"name", "a"}, {"clientConfig", {{"service", "x"}}}},
                              {{"name", "b"}, {"clientConfig", Json::object()}}})}});
    }
  }
  OwnCertificate replica() {
    return OwnCertificate(
        {"system", "hook", "hook-tls", "hook", {100 * k_day, 10 * k_day}}, kube, slot, log);
  }
  std::string secret(const char* key) {
    return text_at(kube.object("secrets", "hook-tls"), Json::json_pointer("/data") / key);
  }
  std::string trusted(const char* plural, const char* webhook) {
    return text_at(kube.object(plural, "hook"),
                   std::string("/webhooks/") + webhook + "/clientConfig/caBundle");
  }

  StderrCapture output;
  tests::FakeKube kube;
  TlsSlot slot;
  Log log{LogLevel::info};
};

TEST_SUITE("webhook/own_certificate") {
  TEST_CASE("the first look makes a certificate, shows it, and tells every webhook whom to trust") {
    OwnBed bed;
    OwnCertificate own = bed.replica();
    REQUIRE(own.refresh(k_now).has_value());
    CHECK(bed.slot.get() != nullptr);
    CHECK(text_at(bed.kube.object("secrets", "hook-tls"), "/type") == "kubernetes.io/tls");
    CHECK(own.dates().until == k_now + 10 * k_day.count());
    CHECK(own.dates().authority_until == k_now + 100 * k_day.count());
    for (const char* plural :
         {"mutatingwebhookconfigurations", "validatingwebhookconfigurations"}) {
      CHECK(bed.trusted(plural, "0") == bed.secret("ca.crt"));
      CHECK(bed.trusted(plural, "1") == bed.secret("ca.crt"));
    }
  }

  TEST_CASE("as long as nothing is due nothing is written, and a second replica uses the same") {
    OwnBed bed;
    OwnCertificate first = bed.replica();
    REQUIRE(first.refresh(k_now).has_value());
    const auto changes = bed.kube.changes;
    const TlsContext used = bed.slot.get();
    REQUIRE(first.refresh(k_now + 1).has_value());
    CHECK(bed.slot.get() == used);
    OwnCertificate second = bed.replica();
    REQUIRE(second.refresh(k_now + 1).has_value());
    CHECK(bed.kube.changes == changes);
    CHECK(second.dates().until == first.dates().until.load());
  }

  TEST_CASE("an authority that is asked for is trusted beside the old one") {
    OwnBed bed;
    OwnCertificate own = bed.replica();
    REQUIRE(own.refresh(k_now).has_value());
    const std::string old = *kube::base64_decode(bed.secret("ca.crt"));
    Json secret = bed.kube.object("secrets", "hook-tls");
    secret["metadata"]["annotations"][std::string(core::k_rotate_annotation)] =
        std::to_string(k_now + 5);
    bed.kube.put("secrets", secret);
    REQUIRE(own.refresh(k_now + 10).has_value());
    const std::string bundle = *kube::base64_decode(bed.secret("ca.crt"));
    CHECK(split_bundle(bundle).size() == 2);
    CHECK(bundle.ends_with(old));
    CHECK(bed.trusted("validatingwebhookconfigurations", "0") == bed.secret("ca.crt"));
  }

  TEST_CASE("a Secret that somebody spoilt is made anew, and what cannot be had is told") {
    OwnBed bed;
    OwnCertificate own = bed.replica();
    REQUIRE(own.refresh(k_now).has_value());
    Json secret = bed.kube.object("secrets", "hook-tls");
    secret["data"]["tls.key"] = "%%%";
    bed.kube.put("secrets", secret);
    REQUIRE(own.refresh(k_now + 1).has_value());
    CHECK(bed.secret("tls.key") != "%%%");

    const TlsContext used = bed.slot.get();
    bed.kube.refuse("secrets", Error::unauthorized("secrets is forbidden"));
    const Status outcome = own.refresh(k_now + 2);
    REQUIRE_FALSE(outcome.has_value());
    CHECK(outcome.error().code == ErrorCode::unauthorized);
    CHECK(bed.slot.get() == used);
  }

  TEST_CASE("configurations that are not applied yet are no failure") {
    OwnBed bed;
    bed.kube.drop("mutatingwebhookconfigurations", "hook");
    OwnCertificate own = bed.replica();
    REQUIRE(own.refresh(k_now).has_value());
    CHECK_FALSE(bed.trusted("validatingwebhookconfigurations", "0").empty());
  }
}

}  // namespace
}  // namespace kredis::webhook
