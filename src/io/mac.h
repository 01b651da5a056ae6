/*
 * mac.h: HMAC-SHA-256 and random bytes.
 *
 * Both can fail only when the machine is broken; the caller must take false as "refuse".
 */
#ifndef HA_IO_MAC_H
#define HA_IO_MAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HA_MAC_KEY_BYTES 32
#define HA_MAC_BYTES 32

/* HMAC-SHA-256 of `count` bytes of data under the key. */
extern bool ha_mac(const uint8_t key[HA_MAC_KEY_BYTES], const void *data, size_t count, uint8_t mac[HA_MAC_BYTES]);

/* Takes the same time whatever differs. */
extern bool ha_mac_equal(const uint8_t a[HA_MAC_BYTES], const uint8_t b[HA_MAC_BYTES]);

/* Random bytes of the kernel, good for keys and nonces. */
extern bool ha_mac_random(void *bytes, size_t count);

/* Overwrites a secret; not optimized away. */
extern void ha_mac_wipe(void *bytes, size_t count);

#endif
