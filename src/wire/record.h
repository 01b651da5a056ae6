/*
 * record.h: a member's hard state (R1, R3) as the bytes of one slot of its state file, and back.
 *
 * A slot is HA_RECORD_SIZE bytes, little-endian:
 *
 *	offset	bytes
 *	0		8		magic
 *	8		4		format, HA_RECORD_FORMAT
 *	12		4		length of the payload
 *	16		8		sequence: grows by one with every save; of two valid slots the greater one counts (R5)
 *	24		32		binding: where the state file lies (io/binding.h); what does not match is a copy (R2)
 *	56		...		payload: the hard state, see record.c; then zeros
 *	8188	4		CRC32C of all that is before it
 *
 * Every later format keeps magic, format, sequence and CRC in their places, so that an older program can tell
 * a newer format from a torn write.
 */
#ifndef HA_WIRE_RECORD_H
#define HA_WIRE_RECORD_H

#include "core/node.h"

#define HA_RECORD_SIZE 8192
#define HA_RECORD_FORMAT 1
#define HA_BINDING_SIZE 32

typedef struct HaBinding
{
	uint8_t byte[HA_BINDING_SIZE];
} HaBinding;

typedef struct HaRecord
{
	uint64_t sequence;			/* > 0 */
	HaBinding binding;
	HaHard hard;
} HaRecord;

/* What is wrong with a slot; the first that holds, in this order. The sentences stand in record.c. */
typedef enum HaRecordError
{
	HA_RECORD_OK,
	HA_RECORD_EMPTY,			/* all zero: never written */
	HA_RECORD_NOT_OURS,			/* no magic */
	HA_RECORD_TORN,				/* the CRC does not match: half written, or damaged */
	HA_RECORD_NEWER,			/* whole, but of a format that this program does not know */
	HA_RECORD_IMPOSSIBLE,		/* whole, but it holds what this code never writes */
	HA_RECORD_ERROR_COUNT
} HaRecordError;

/* One sentence, without a stop at its end. */
extern const char *ha_record_text(HaRecordError error);

/*
 * Fills the whole slot. A state that could not be read back is refused (HA_RECORD_IMPOSSIBLE) and the slot is
 * all zero then. A register of version {0, 0} is none, whatever else it holds, and is read back as all zero.
 */
extern HaRecordError ha_record_encode(const HaRecord *record, uint8_t slot[HA_RECORD_SIZE]);

/* `record` is all zero unless HA_RECORD_OK is returned. The bytes may be anything. */
extern HaRecordError ha_record_decode(const uint8_t slot[HA_RECORD_SIZE], HaRecord *record);

/* Which of two slots holds the state. */
typedef struct HaChoice
{
	HaRecord record;			/* what it holds */
	int slot;					/* 0 or 1 */
	bool other_lost;			/* the other one can't be read */
} HaChoice;

/*
 * Takes the newer of the slots that are whole (R5). A slot that is torn, empty or no slot at all is passed
 * over: the other one holds the last state that was made durable (io/store.h). But a newer format, a whole
 * slot with impossible values, or two different slots with one number are no accident of a crash, and what
 * they hold may be the newer state: then, as when neither is whole, there is no choice (R4), and the error
 * says why.
 */
extern HaRecordError ha_record_choose(const uint8_t first[HA_RECORD_SIZE], const uint8_t second[HA_RECORD_SIZE],
									  HaChoice *choice);

/* True when the state could have been written by this code; what encode and decode ask. */
extern bool ha_record_hard_valid(const HaHard *hard);

#endif
