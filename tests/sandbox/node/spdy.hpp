// SPDX-License-Identifier: Apache-2.0
//
// The server's end of a SPDY/3.1 connection as Kubernetes uses it: the client opens all channels,
// and nobody counts windows (kubectl's library does not either).
#pragma once

#include <memory>
#include <string>

#include "tests/sandbox/node/channels.hpp"

namespace kredis::sandbox {

bool wants_spdy(const StreamRequest& request);

/// Answers the upgrade. `protocol` goes into X-Stream-Protocol-Version.
Status accept_spdy(ByteStream& stream, const std::string& protocol);

std::unique_ptr<Channels> make_spdy_channels(ByteStream& stream);

}  // namespace kredis::sandbox
