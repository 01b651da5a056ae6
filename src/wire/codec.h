/*
 * codec.h: a bounded writer and reader of bytes, and the layouts that files and frames share.
 *
 * Everything is little-endian and of fixed width, so that a file or a frame means the same everywhere; no
 * struct is ever copied whole. Both sides carry a sticky flag: after the first thing that does not fit or may
 * not be, `bad` is set, a writer writes nothing more and a reader gives zeros. So the caller encodes or
 * decodes all of it and asks `bad` once, before it uses anything.
 *
 * There is exactly one encoding of every value, and what a reader would refuse a writer refuses too: nothing
 * can be written that could not be read back. Nothing here keeps a pointer into the buffer.
 */
#ifndef HA_WIRE_CODEC_H
#define HA_WIRE_CODEC_H

#include "core/chain.h"
#include "core/register.h"
#include "core/types.h"

/* ---- The two sides ---- */

typedef struct HaWriter
{
	uint8_t *data;				/* the caller's, not initialized */
	size_t size;
	size_t used;				/* bytes written, <= size */
	bool bad;
} HaWriter;

typedef struct HaReader
{
	const uint8_t *data;		/* the caller's */
	size_t size;
	size_t used;				/* bytes read, <= size */
	bool bad;
} HaReader;

static inline HaWriter
ha_writer(void *data, size_t size)
{
	return (HaWriter){data, size, 0, false};
}

static inline HaReader
ha_reader(const void *data, size_t size)
{
	return (HaReader){data, size, 0, false};
}

/* True when nothing was wrong and every byte was read: the end of every decoding of something whole. */
static inline bool
ha_reader_done(const HaReader *reader)
{
	return !reader->bad && reader->used == reader->size;
}

/* ---- Numbers and bytes ---- */

extern void ha_put_u8(HaWriter *writer, uint8_t value);
extern void ha_put_u16(HaWriter *writer, uint16_t value);
extern void ha_put_u32(HaWriter *writer, uint32_t value);
extern void ha_put_u64(HaWriter *writer, uint64_t value);
extern void ha_put_i64(HaWriter *writer, int64_t value);
extern void ha_put_bool(HaWriter *writer, bool value);
extern void ha_put_bytes(HaWriter *writer, const void *bytes, size_t count);

extern uint8_t ha_get_u8(HaReader *reader);
extern uint16_t ha_get_u16(HaReader *reader);
extern uint32_t ha_get_u32(HaReader *reader);
extern uint64_t ha_get_u64(HaReader *reader);
extern int64_t ha_get_i64(HaReader *reader);

/* Anything but 0 and 1 is bad. */
extern bool ha_get_bool(HaReader *reader);

/* `bytes` is all zero when there were too few. */
extern void ha_get_bytes(HaReader *reader, void *bytes, size_t count);

/* A number that counts things or chooses among them: above `max` is bad, and gives 0. */
extern uint32_t ha_get_u32_max(HaReader *reader, uint32_t max);

/*
 * A text in an array of `size` bytes with its closing zero, size <= 65536. Bad: no closing zero in the array,
 * or, from outside, a text that is too long for it or holds a zero byte. The rest of the array is filled with
 * zeros. Nothing is said about the characters: what is shown or logged must be escaped.
 */
extern void ha_put_text(HaWriter *writer, const char *text, size_t size);
extern void ha_get_text(HaReader *reader, char *text, size_t size);

/* ---- The core's types ---- */

/* Bad: above HA_ID_MAX (0, nobody, is fine). */
extern void ha_put_id(HaWriter *writer, HaId id);
extern HaId ha_get_id(HaReader *reader);

/* Bad: HA_TERM_MAX or more. */
extern void ha_put_term(HaWriter *writer, HaTerm term);
extern HaTerm ha_get_term(HaReader *reader);

extern void ha_put_uuid(HaWriter *writer, const HaUuid *uuid);
extern HaUuid ha_get_uuid(HaReader *reader);

extern void ha_put_version(HaWriter *writer, HaVersion version);
extern HaVersion ha_get_version(HaReader *reader);

extern void ha_put_position(HaWriter *writer, HaPosition position);
extern HaPosition ha_get_position(HaReader *reader);

extern void ha_put_member(HaWriter *writer, const HaMember *member);
extern void ha_get_member(HaReader *reader, HaMember *member);

/* Bad: not ha_chain_valid(). The chain is empty then, and everything in it beyond `count` is always zero. */
extern void ha_put_chain(HaWriter *writer, const HaChain *chain);
extern void ha_get_chain(HaReader *reader, HaChain *chain);

/*
 * Bad: not ha_register_valid(); so "no register yet" can't be encoded: say it beside with a bool. The
 * register is all zero when it is bad, and everything in it beyond its counts is always zero.
 */
extern void ha_put_register(HaWriter *writer, const HaRegister *reg);
extern void ha_get_register(HaReader *reader, HaRegister *reg);

/* No encoding of one is longer; for the sizes of buffers. */
#define HA_MEMBER_BYTES_MAX (4 + 16 + 4 + 4 + (2 + HA_NAME_SIZE - 1) + 2 * (2 + HA_HOST_SIZE - 1) + 2 + 2)
#define HA_CHAIN_BYTES_MAX (4 + HA_CHAIN_MAX * (8 + 4 + 8))
#define HA_RULE_BYTES (1 + 4 + 4)
#define HA_REGISTER_BYTES_MAX \
	(16 + 4 + (4 + HA_MEMBERS_MAX * HA_MEMBER_BYTES_MAX) + 4 + 4 + HA_RULE_BYTES + 4 + 4 + 1 + \
	 HA_CHAIN_BYTES_MAX + 4 + 8 + 8)

#endif
