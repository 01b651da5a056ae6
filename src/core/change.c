/*
 * change.c: membership and what operators ask for (R27, R29, R30, R42).
 *
 * One change of the register at a time. A change of voters takes two writes: the new list beside the previous one,
 * which needs a majority of both, and then the new list alone (R26). A member comes in as a learner, and votes when it
 * has the register and, with data, this term's WAL (R30). Dropping a member: out of the synchronous set first, then
 * out of the voters, then out of the list.
 */
#include "core/node_parts.h"

/* A data member may vote when it is at most this far behind. */
#define LEARNER_LAG_BYTES_MAX ((HaLsn) 16 * 1024 * 1024)

void
ha_change_answer(HaEffects *fx, uint64_t number, HaAnswer answer)
{
	fx->acts |= HA_ACT_REPLY;
	fx->request_number = number;
	fx->answer = answer;
	fx->answer_id = 0;
}

/* ---- Changes that the leader makes by itself ---- */

static void
change_voters(HaNode *node, HaEffects *fx, HaSet voters)
{
	HaRegister *reg = &node->hard.reg;

	reg->voters_previous = HA_MUTANT(NEW_VOTERS_ONLY) ? 0 : reg->voters;
	reg->voters = voters;
	ha_leader_write(node, fx);
}

static bool
learner_ready(const HaNode *node, HaId id)
{
	const HaPeer *peer = &node->peer[id];

	if (!ha_node_alive(node, id) || ha_version_compare(peer->stored, node->hard.reg.version) != 0)
		return false;
	if (!ha_set_has(ha_register_data(&node->hard.reg), id))
		return true;
	return ha_leader_has(node, id, node->pg.flush_lsn > LEARNER_LAG_BYTES_MAX ?
						 node->pg.flush_lsn - LEARNER_LAG_BYTES_MAX : 0);
}

static bool
admit_learner(HaNode *node, HaEffects *fx)
{
	const HaRegister *reg = &node->hard.reg;

	for (HaSet s = ha_register_members(reg) & ~reg->voters; s != 0; s &= s - 1)
	{
		HaId id = ha_set_first(s);

		if (id == node->drop_id || !learner_ready(node, id))
			continue;
		change_voters(node, fx, reg->voters | ha_set_of(id));
		ha_node_note(node, fx, HA_NOTE_VOTER_ADDED, id);
		return true;
	}
	return false;
}

/* Are there living data voters enough for k_min without this member? */
static bool
replaceable(const HaNode *node, HaId id)
{
	HaSet others = ha_register_data_voters(&node->hard.reg) & ~ha_node_self(node) & ~ha_set_of(id);
	uint32_t alive = 0;

	for (HaSet s = others; s != 0; s &= s - 1)
		alive += ha_node_alive(node, ha_set_first(s));
	return alive >= node->hard.reg.k_min || HA_MUTANT(IRREPLACEABLE_DROPPED);
}

/* The next step of taking drop_id out; the synchronous set is shift.c's part. */
static bool
drop_step(HaNode *node, HaEffects *fx)
{
	HaRegister *reg = &node->hard.reg;
	HaId id = node->drop_id;

	if (id == 0)
		return false;
	if (ha_set_has(reg->rule.sync_set, id))
	{
		if (!replaceable(node, id))
		{
			/* Whoever was to take its place is gone: given up, so that something else can be asked for. */
			node->drop_id = 0;
			if (node->request_number != 0)
				ha_change_answer(fx, node->request_number, HA_ANSWER_NOT_READY);
			node->request_number = 0;
		}
		return false;
	}
	if (ha_set_has(reg->voters, id))
	{
		change_voters(node, fx, reg->voters & ~ha_set_of(id));
		return true;
	}
	node->drop_id = 0;
	ha_register_drop(reg, id);
	ha_leader_write(node, fx);
	ha_node_note(node, fx, HA_NOTE_MEMBER_DROPPED, id);
	return true;
}

bool
ha_change_progress(HaNode *node, HaEffects *fx)
{
	HaRegister *reg = &node->hard.reg;

	if ((node->write_pending && !HA_MUTANT(EARLY_CHANGE)) || node->shift == HA_SHIFT_WRITE)
		return false;
	/* Before opening, too: opening may need a member that must be rewound first (R37, R38). */
	if (node->pg.checkpointed && reg->checkpoint_term != node->hard.term &&
		!(HA_MUTANT(LATE_CHECKPOINT) && node->role != HA_ROLE_LEADER))
	{
		reg->checkpoint_term = node->hard.term;
		ha_leader_write(node, fx);
		return true;
	}
	if (reg->voters_previous != 0 && !HA_MUTANT(SECOND_CHANGE))
	{
		/* The list beside its predecessor is on a majority of both: from now on it stands alone. */
		reg->voters_previous = 0;
		ha_leader_write(node, fx);
		return true;
	}
	return drop_step(node, fx) || admit_learner(node, fx);
}

/* ---- Requests ---- */

static HaAnswer
add_member(HaNode *node, HaEffects *fx, const HaRequest *request)
{
	HaRegister next = node->hard.reg;
	HaMember member = request->member;

	for (uint32_t i = 0; i < next.member_count; i++)
	{
		const HaMember *other = &next.member[i];

		if (ha_uuid_equal(&other->incarnation, &member.incarnation))
		{
			fx->answer_id = node->request_id = other->id;	/* asked again: it is in already */
			return HA_ANSWER_DONE;
		}
		if (strcmp(other->name, member.name) == 0 || other->id == member.id)
			return HA_ANSWER_TAKEN;
	}
	if (next.member_count == HA_MEMBERS_MAX)
		return HA_ANSWER_FULL;
	if (member.id == 0)
		member.id = ha_register_free_id(&next);
	next.member[next.member_count++] = member;
	if (!ha_register_valid(&next))
		return HA_ANSWER_INVALID;
	node->hard.reg = next;
	node->request_id = member.id;
	node->request_number = request->number;
	memset(&node->peer[member.id], 0, sizeof(HaPeer));
	ha_leader_write(node, fx);
	ha_node_note(node, fx, HA_NOTE_MEMBER_ADDED, member.id);
	return 0;
}

static HaAnswer
drop_member(HaNode *node, const HaRequest *request)
{
	HaSet left = node->hard.reg.voters & ~ha_set_of(request->member.id);
	HaSet alive = 0;

	if (ha_register_member(&node->hard.reg, request->member.id) == NULL)
		return HA_ANSWER_NO_SUCH_MEMBER;
	if (request->member.id == node->hard.id)
		return HA_ANSWER_LEADER_STAYS;
	for (HaSet s = left; s != 0; s &= s - 1)
		alive |= ha_node_alive(node, ha_set_first(s)) ? ha_set_of(ha_set_first(s)) : 0;
	/* Without the others' answers the smaller list would never be on a majority of itself. */
	if (!ha_majority(alive, left))
		return HA_ANSWER_NOT_READY;
	/* Nor could the synchronous rule be met: k_min has to be lowered, or another member added, first. */
	if (ha_set_has(node->hard.reg.rule.sync_set, request->member.id) && !replaceable(node, request->member.id))
		return HA_ANSWER_NOT_READY;
	node->drop_id = request->member.id;
	node->request_number = request->number;
	node->request_id = request->member.id;
	return 0;
}

/* Changes one value and writes when that made a difference. */
static HaAnswer
change_value(HaNode *node, HaEffects *fx, const HaRequest *request)
{
	HaRegister next = node->hard.reg;
	HaMember *member = ha_register_member_mut(&next, request->member.id);

	switch (request->kind)
	{
		case HA_REQUEST_SET_SYNC:
			next.k_wanted = request->k_wanted;
			next.k_min = request->k_min;
			break;
		case HA_REQUEST_PAUSE:
		case HA_REQUEST_RESUME:
			next.paused = request->kind == HA_REQUEST_PAUSE;
			break;
		default:
			if (member == NULL)
				return HA_ANSWER_NO_SUCH_MEMBER;
			if (request->kind == HA_REQUEST_SET_PRIORITY)
				member->priority = request->member.priority;
			else
			{
				memcpy(member->peer_host, request->member.peer_host, sizeof(member->peer_host));
				memcpy(member->sql_host, request->member.sql_host, sizeof(member->sql_host));
				member->peer_port = request->member.peer_port;
				member->sql_port = request->member.sql_port;
			}
			break;
	}
	if (!ha_register_valid(&next))
		return HA_ANSWER_INVALID;
	if (next.paused != node->hard.reg.paused)
		ha_node_note(node, fx, next.paused ? HA_NOTE_PAUSED : HA_NOTE_RESUMED, node->hard.id);
	node->hard.reg = next;
	node->request_id = request->member.id;
	node->request_number = request->number;
	ha_leader_write(node, fx);
	return 0;
}

/* More terms than the members that can't be heard may have had meanwhile: two leaders of one term would both stop. */
#define FORCED_TERM_JUMP 1000

/*
 * A survivor takes over without a majority (R42): it alone votes from now on, everybody else becomes a learner and
 * votes again when it has joined. The term jumps, so that what the others did meanwhile is older. Not while this member
 * is bound by a promise, nor before it could have heard a leader: whoever was just started knows of none.
 */
static HaAnswer
force(HaNode *node, HaEffects *fx)
{
	HaRegister *reg = &node->hard.reg;
	HaTerm term = (node->hard.term > node->term_seen ? node->hard.term : node->term_seen) + FORCED_TERM_JUMP;
	bool standby = node->pg.state == HA_PG_STANDBY && ha_node_is_data(node) && !ha_node_foreign(node);
	bool free = ha_until_over(node->silent_until, node->now) && ha_until_over(node->promise_until, node->now);

	if ((node->role != HA_ROLE_FOLLOWER && node->role != HA_ROLE_CANDIDATE) || !standby || node->leader != 0 || !free)
		return HA_ANSWER_NOT_READY;
	ha_node_adopt_term(node, fx, term);
	node->hard.voted_for = node->hard.id;
	node->term_seen = term;
	node->upstream = 0;
	node->phase = HA_PHASE_NONE;
	node->vote_pending = false;
	node->claimed = (HaPosition){0, 0};
	reg->voters = ha_node_self(node);
	reg->voters_previous = 0;
	reg->rule = (HaSyncRule){.sync = reg->rule.sync, .k = 0, .sync_set = reg->rule.sync ? ha_node_self(node) : 0};
	reg->k_min = 0;
	reg->paused = false;
	reg->forced_term = term;
	reg->version = (HaVersion){term, 0};
	ha_node_move(node, fx, HA_TRIGGER_FORCED);
	ha_leader_begin(node, fx);
	ha_leader_write(node, fx);
	ha_node_note(node, fx, HA_NOTE_FORCED, node->hard.id);
	return HA_ANSWER_DONE;
}

static bool
busy(const HaNode *node)
{
	bool changing = node->hard.reg.voters_previous != 0 && !HA_MUTANT(SECOND_CHANGE);

	return node->write_pending || changing || node->shift == HA_SHIFT_WRITE || node->request_number != 0 ||
		node->drop_id != 0;
}

static HaAnswer
carry_out(HaNode *node, HaEffects *fx, const HaRequest *request)
{
	/* Before opening, too: opening may wait for a member that only the operator can replace (R37). */
	bool leading = node->role == HA_ROLE_LEADER || (node->role == HA_ROLE_OPENING && !HA_MUTANT(OPENING_DEAF)) ||
		(HA_MUTANT(EARLY_CHANGE) && ha_role_leads(node->role));

	if (request->kind == HA_REQUEST_FORCE)
		return force(node, fx);
	if (!leading)
		return node->role == HA_ROLE_HANDING_OVER ? HA_ANSWER_BUSY : HA_ANSWER_NOT_LEADER;
	if (busy(node) && !(HA_MUTANT(EARLY_CHANGE) && node->request_number == 0))
		return HA_ANSWER_BUSY;
	switch (request->kind)
	{
		case HA_REQUEST_ADD_MEMBER:
			return add_member(node, fx, request);
		case HA_REQUEST_DROP_MEMBER:
			return drop_member(node, request);
		case HA_REQUEST_HAND_OVER:
			return ha_handover_begin(node, fx, request->member.id);
		case HA_REQUEST_RESUME:
			/* From now on the lease counts again: it must run before the pause ends (R29). */
			if (node->now.boot_us >= ha_round_lease(node))
				return HA_ANSWER_BUSY;
			return change_value(node, fx, request);
		case HA_REQUEST_SET_PRIORITY:
		case HA_REQUEST_SET_ADDRESS:
		case HA_REQUEST_SET_SYNC:
		case HA_REQUEST_PAUSE:
			return change_value(node, fx, request);
		default:
			return HA_ANSWER_INVALID;
	}
}

void
ha_change_request(HaNode *node, HaEffects *fx, const HaRequest *request)
{
	HaAnswer answer = HA_ANSWER_NOT_LEADER;
	HaId id;

	if (node->role != HA_ROLE_HELD)
		answer = carry_out(node, fx, request);
	if (answer == 0)
		return;				/* it will be answered when the write is on a majority */
	id = fx->answer_id;
	ha_change_answer(fx, request->number, answer);
	fx->answer_id = id;
}
