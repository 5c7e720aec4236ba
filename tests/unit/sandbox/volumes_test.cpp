// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/controllers/volumes.hpp"

#include <doctest/doctest.h>

#include "tests/unit/sandbox/builders.hpp"

namespace kredis::sandbox {
namespace {

Json volume(const char* name, const char* size) {
  return {{"metadata", {{"name", name}}},
          {"spec", {{"capacity", {{"storage", size}}}, {"accessModes", {"ReadWriteMany"}}}}};
}

Json claim() {
  return {
      {"metadata", {{"name", "data-0"}, {"namespace", "default"}, {"uid", "c0"}}},
      {"spec",
       {{"accessModes", {"ReadWriteMany"}}, {"resources", {{"requests", {{"storage", "200M"}}}}}}}};
}

}  // namespace

TEST_SUITE("sandbox/volumes") {
  TEST_CASE("choose_volume takes the smallest volume that is large enough") {
    const Objects volumes{build::share(volume("large", "1Gi")),
                          build::share(volume("exact", "200M")),
                          build::share(volume("short", "199999999"))};
    CHECK(choose_volume(claim(), volumes) == "exact");
  }

  TEST_CASE("choose_volume prefers the volume that names the claim") {
    Json reserved = volume("reserved", "5Gi");
    reserved["spec"]["claimRef"] = {{"name", "data-0"}, {"namespace", "default"}};
    CHECK(choose_volume(claim(), {build::share(volume("exact", "200M")), build::share(reserved)}) ==
          "reserved");
  }

  TEST_CASE("choose_volume never takes what does not fit") {
    struct Case {
      const char* label;
      Json change;
    };
    for (const Case& unfit : {
             Case{"taken by another", {{"claimRef", {{"name", "x"}, {"namespace", "default"}}}}},
             Case{"bound to a namesake that is gone",
                  {{"claimRef", {{"name", "data-0"}, {"namespace", "default"}, {"uid", "old"}}}}},
             Case{"other class", {{"storageClassName", "nfs"}}},
             Case{"other modes", {{"accessModes", {"ReadWriteOnce"}}}},
         }) {
      CAPTURE(unfit.label);
      Json candidate = volume("candidate", "1Gi");
      candidate["spec"].update(unfit.change);
      CHECK(choose_volume(claim(), {build::share(candidate)}).empty());
    }
  }

  TEST_CASE("choose_volume follows the claim's selector and volumeName") {
    Json wanted = claim();
    wanted["spec"]["volumeName"] = "b";
    CHECK(choose_volume(
              wanted, {build::share(volume("a", "1Gi")), build::share(volume("b", "1Gi"))}) == "b");
    wanted = claim();
    wanted["spec"]["selector"] = {{"matchLabels", {{"disk", "fast"}}}};
    Json fast = volume("fast", "1Gi");
    fast["metadata"]["labels"] = {{"disk", "fast"}};
    CHECK(choose_volume(wanted, {build::share(volume("a", "200M")), build::share(fast)}) == "fast");
  }
}

}  // namespace kredis::sandbox
