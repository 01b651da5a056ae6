/*
 * checksum.h: the checksum over a slot of the state file.
 *
 * A file of its own, so that the fuzz target of the record can put a faster one in its place: there, eight checksums of
 * 8 kB an input were nearly all of its time.
 */
#ifndef HA_WIRE_CHECKSUM_H
#define HA_WIRE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32C (Castagnoli) of the bytes. */
extern uint32_t ha_checksum_crc32c(const void *bytes, size_t count);

#endif
