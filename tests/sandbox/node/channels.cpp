// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/channels.hpp"

namespace kredis::sandbox {

void part(Channels& channels) {
  channels.close();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (std::chrono::steady_clock::now() < deadline &&
         channels.read(std::chrono::milliseconds(200))) {
  }
}

}  // namespace kredis::sandbox
