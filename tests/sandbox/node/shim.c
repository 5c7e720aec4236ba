/* SPDX-License-Identifier: Apache-2.0
 *
 * Gives a process an address of its own without a network namespace (which would need root). It is
 * loaded into every process of a pod through the pod's own /etc/ld.so.preload:
 *   - binding to any address, or to localhost, binds the pod's address;
 *   - connecting starts from the pod's address, and localhost leads back to the pod;
 *   - there is no IPv6, as on a host that was booted without it;
 *   - a connection across a partition goes to a listener that never answers, so that it hangs
 *     exactly as it does when packets are dropped. Connections that already stand are cut by the
 *     sandbox itself (partition.cpp). */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_rules.h"

typedef int (*socket_function)(int, int, int);
typedef int (*address_function)(int, const struct sockaddr*, socklen_t);

static in_addr_t pod_address; /* Network byte order; 0 outside a pod. */
static const struct kredis_net_rules* rules;

static void* next(const char* name) { return dlsym(RTLD_NEXT, name); }

static void read_address(void) {
  char text[INET_ADDRSTRLEN + 1] = "";
  int file = open(KREDIS_NET_ADDRESS_FILE, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  ssize_t size = read(file, text, sizeof text - 1);
  close(file);
  if (size <= 0) return;
  text[strcspn(text, "\n")] = '\0';
  pod_address = inet_addr(text);
  if (pod_address == INADDR_NONE) pod_address = 0;
}

static void map_rules(void) {
  int file = open(KREDIS_NET_RULES_FILE, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  void* memory = mmap(NULL, sizeof *rules, PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (memory != MAP_FAILED) rules = memory;
}

__attribute__((constructor)) static void start(void) {
  read_address();
  map_rules();
}

static int is_localhost(in_addr_t address) { return address == htonl(INADDR_LOOPBACK); }

/* Ranges are safe: an index is what fits 16 bits. */
static int dropped(in_addr_t to, in_port_t port) {
  if (rules == NULL) return 0;
  uint32_t target = ntohl(to);
  if ((target & 0xffff0000u) != rules->network) return 0;
  uint16_t from_index = (uint16_t)ntohl(pod_address);
  uint16_t to_index = (uint16_t)target;
  if (rules->dropped_port[to_index] != 0 && rules->dropped_port[to_index] == ntohs(port)) return 1;
  return rules->side[from_index] != rules->side[to_index];
}

int socket(int domain, int type, int protocol) {
  if (domain == AF_INET6 && pod_address != 0) {
    errno = EAFNOSUPPORT;
    return -1;
  }
  return ((socket_function)next("socket"))(domain, type, protocol);
}

int bind(int fd, const struct sockaddr* address, socklen_t size) {
  address_function real = (address_function)next("bind");
  if (pod_address == 0 || address->sa_family != AF_INET || size < sizeof(struct sockaddr_in)) {
    return real(fd, address, size);
  }
  struct sockaddr_in own;
  memcpy(&own, address, sizeof own);
  if (own.sin_addr.s_addr == htonl(INADDR_ANY) || is_localhost(own.sin_addr.s_addr)) {
    own.sin_addr.s_addr = pod_address;
  }
  return real(fd, (const struct sockaddr*)&own, sizeof own);
}

/* Without this the kernel would choose 127.0.0.1, and no peer could tell pods apart. */
static void start_from_pod(int fd) {
  struct sockaddr_in now;
  socklen_t size = sizeof now;
  if (getsockname(fd, (struct sockaddr*)&now, &size) != 0 || now.sin_port != 0 ||
      now.sin_addr.s_addr != htonl(INADDR_ANY)) {
    return;
  }
  int error = errno;
  int yes = 1; /* The port is chosen by connect(), which knows the peer and so can share ports. */
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
  struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = pod_address};
  ((address_function)next("bind"))(fd, (const struct sockaddr*)&own, sizeof own);
  errno = error;
}

int connect(int fd, const struct sockaddr* address, socklen_t size) {
  address_function real = (address_function)next("connect");
  if (pod_address == 0 || address->sa_family != AF_INET || size < sizeof(struct sockaddr_in)) {
    return real(fd, address, size);
  }
  struct sockaddr_in to;
  memcpy(&to, address, sizeof to);
  if (is_localhost(to.sin_addr.s_addr) || to.sin_addr.s_addr == htonl(INADDR_ANY)) {
    to.sin_addr.s_addr = pod_address;
  }
  if (dropped(to.sin_addr.s_addr, to.sin_port)) {
    to.sin_addr.s_addr = htonl(rules->sink_address);
    to.sin_port = htons(rules->sink_port);
  }
  start_from_pod(fd);
  return real(fd, (const struct sockaddr*)&to, sizeof to);
}
