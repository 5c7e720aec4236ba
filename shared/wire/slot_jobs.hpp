// SPDX-License-Identifier: Apache-2.0
//
// The lists of atomic moves of slots: CLUSTER GETSLOTMIGRATIONS (Valkey 9.0 on) and
// CLUSTER MIGRATION STATUS (Redis 8.4 on), which name the same things otherwise.
#pragma once

#include <vector>

#include "shared/core/reply.hpp"
#include "shared/core/slot_job.hpp"

namespace kredis::wire {

/// What lists the jobs of a node that answers for those which begin at `end`.
core::Command slot_jobs_question(core::JobEnd end);

/// Reads the answer, RESP2 or RESP3: the jobs that the node answers for, the newest first. Both
/// ends list a job; one that the other end answers for is left out.
/// Errors: protocol, naming the field that was missing or could not be read.
Result<std::vector<core::SlotJob>> parse_slot_jobs(const core::Reply& reply);

}  // namespace kredis::wire
