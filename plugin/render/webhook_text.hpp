// SPDX-License-Identifier: Apache-2.0
//
// What `webhook status` prints: for people, and as the report that docs/webhook.md describes.
#pragma once

#include <cstdint>
#include <string>

#include "plugin/operations/webhook_view.hpp"
#include "plugin/render/text_style.hpp"
#include "shared/wire/json.hpp"

namespace kredis::plugin {

/// Units: `now_seconds` since 1970.
std::string render_webhook(const WebhookView& view,
                           const TextStyle& style,
                           std::int64_t now_seconds);

/// kubectl-redis.dev/v1 WebhookStatus.
Json webhook_report(const WebhookView& view);

}  // namespace kredis::plugin
