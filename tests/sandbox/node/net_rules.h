/* SPDX-License-Identifier: Apache-2.0
 *
 * The file that tells the shim inside every pod who may talk to whom. The sandbox writes it, every
 * process in a pod maps it read-only, and a change counts at once. Indexed by the last 16 bits of
 * an address, because all pods of a sandbox share 127.R.0.0/16. Also included from C++. */
#ifndef KREDIS_SANDBOX_NET_RULES_H
#define KREDIS_SANDBOX_NET_RULES_H

#include <stdint.h>

#define KREDIS_NET_ADDRESS_FILE "/run/sandbox/address"
#define KREDIS_NET_RULES_FILE "/run/sandbox/rules"
#define KREDIS_NET_HOSTS 65536

struct kredis_net_rules {
  uint32_t network;        /* 127.R.0.0 in host byte order. */
  uint32_t sink_address;   /* A listener that never answers: where dropped connections go. */
  uint16_t sink_port;      /* Host byte order. */
  uint16_t reserved;
  uint8_t side[KREDIS_NET_HOSTS];          /* Addresses on different sides of a partition. */
  uint16_t dropped_port[KREDIS_NET_HOSTS]; /* A port of that address that swallows packets; 0: none. */
};

#endif
