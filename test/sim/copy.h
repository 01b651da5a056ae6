/*
 * copy.h: copies of registers and hard states without the places that nobody has taken.
 *
 * A register has room for HA_MEMBERS_MAX members and HA_CHAIN_MAX epochs; most of it is empty, and it is copied at
 * every write to a disk. Whatever stands between the lists is copied, also what is added there later.
 */
#ifndef HA_SIM_COPY_H
#define HA_SIM_COPY_H

#include "core/node.h"

/* The bytes from one offset up to another. */
static inline void
sim_copy_span(void *to, const void *from, size_t begin, size_t end)
{
	memcpy((char *) to + begin, (const char *) from + begin, end - begin);
}

static inline void
sim_copy_chain(HaChain *to, const HaChain *from)
{
	sim_copy_span(to, from, 0, offsetof(HaChain, epoch) + from->count * sizeof(HaEpoch));
}

static inline void
sim_copy_register(HaRegister *to, const HaRegister *from)
{
	sim_copy_span(to, from, 0, offsetof(HaRegister, member) + from->member_count * sizeof(HaMember));
	sim_copy_span(to, from, offsetof(HaRegister, member) + sizeof(from->member), offsetof(HaRegister, chain));
	sim_copy_chain(&to->chain, &from->chain);
	sim_copy_span(to, from, offsetof(HaRegister, chain) + sizeof(from->chain), sizeof(*from));
}

static inline void
sim_copy_hard(HaHard *to, const HaHard *from)
{
	sim_copy_span(to, from, 0, offsetof(HaHard, reg));
	sim_copy_register(&to->reg, &from->reg);
	sim_copy_span(to, from, offsetof(HaHard, reg) + sizeof(from->reg), offsetof(HaHard, chain));
	sim_copy_chain(&to->chain, &from->chain);
	sim_copy_span(to, from, offsetof(HaHard, chain) + sizeof(from->chain), sizeof(*from));
}

#endif
