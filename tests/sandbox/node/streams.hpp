// SPDX-License-Identifier: Apache-2.0
//
// Streams into pods: what the kubelet serves and the API server passes on.
#pragma once

#include <memory>

#include "tests/sandbox/api/streams.hpp"

namespace kredis::sandbox {

class NodeAgent;

/// `agent` must outlive what is returned.
std::unique_ptr<PodStreams> make_pod_streams(NodeAgent& agent);

}  // namespace kredis::sandbox
