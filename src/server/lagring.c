/*
 * lagring.c: see lagring.h.
 */
#include "server/compat.h"

#include "server/lagring.h"

#include "io/clock.h"
#include "server/preflight.h"
#include "server/shmem.h"

#define LEADER_SPACING_US (50 * HA_US_PER_MS)	/* turns of the ha worker may come much faster */

static void
add(HaLsn lsn, HaUs now_us)
{
	static HaLagRing ring;
	static bool begun = false;

	/* What was there before this worker was restarted goes on. */
	if (!begun)
		(void) ha_box_read(&ha_shmem->lag_box, ha_shmem->lag, &ring, sizeof(ring));
	begun = true;
	ha_lag_add(&ring, lsn, now_us);
	ha_box_write(&ha_shmem->lag_box, ha_shmem->lag, &ring, sizeof(ring));
}

void
ha_lagring_follow(const HaNode *node)
{
	static HaUs told_us = 0;		/* when the leader's position was last written */
	static HaUs round_us = 0;		/* the round that told it */
	HaUs		now_us = ha_clock_now().boot_us;

	if (ha_role_leads(node->role))
	{
		if (node->pg.state != HA_PG_PRIMARY || now_us - told_us < LEADER_SPACING_US ||
			!ha_node_lease_valid(node, node->now))
			return;
		told_us = now_us;
		add(node->pg.flush_lsn, now_us);
		return;
	}
	if (node->role != HA_ROLE_FOLLOWER || node->leader == 0 || node->last_round_us == round_us)
		return;
	round_us = node->last_round_us;
	for (uint32 i = 0; i < node->summary_count; i++)
	{
		const HaSummary *leader = &node->summary[i];

		if (leader->id == node->leader && leader->primary && leader->position.lsn != 0)
			add(leader->position.lsn, now_us);
	}
}

void
ha_lagring_take(void)
{
	if (!ha_preflight_member && !RecoveryInProgress())
		add(GetFlushRecPtr(NULL), ha_clock_now().boot_us);
}

HaLagRing *
ha_lagring_read(void)
{
	HaLagRing  *ring = palloc0(sizeof(HaLagRing));

	if (ha_shmem != NULL)
		(void) ha_box_read(&ha_shmem->lag_box, ha_shmem->lag, ring, sizeof(*ring));
	return ring;
}
