// SPDX-License-Identifier: Apache-2.0
//
// exec and attach: the handshake in each of kubectl's ways, the command, and how it ended.
#pragma once

#include "tests/sandbox/node/agent.hpp"

namespace kredis::sandbox {

Status serve_exec(const StreamRequest& request, ByteStream& stream, const ContainerPlace& place);
Status serve_attach(const StreamRequest& request, ByteStream& stream, const ContainerPlace& place);

}  // namespace kredis::sandbox
