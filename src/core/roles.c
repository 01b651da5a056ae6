/*
 * roles.c: the table of roles; see roles.h.
 */
#include "core/roles.h"

#define FROM(role) HA_ROLE_##role
#define BY(trigger) HA_TRIGGER_##trigger
#define TO(role) HA_ROLE_##role

const HaTransition ha_roles_table[] = {
	{FROM(HELD), BY(ADOPTED), TO(FOLLOWER), "the register names this member: it takes part again"},
	{FROM(HELD), BY(RESTARTED), TO(FOLLOWER), "started again: silent for the length of the promise"},

	{FROM(FOLLOWER), BY(STAND), TO(CANDIDATE), "no leader is heard: would the others vote for this member?"},
	{FROM(FOLLOWER), BY(RESUMED), TO(PROMOTING), "the ha worker is back and PostgreSQL still is this term's primary"},
	{FROM(FOLLOWER), BY(FORCED), TO(ELECTED), "an operator makes this member the leader without a majority"},
	{FROM(FOLLOWER), BY(REJOIN), TO(REJOINING), "PostgreSQL must restart to follow the leader"},
	{FROM(FOLLOWER), BY(RESIGN), TO(RESIGNED), "the server stops: this member neither votes nor stands any more"},
	{FROM(FOLLOWER), BY(HOLD), TO(HELD), "this member takes no part from now on"},

	{FROM(CANDIDATE), BY(WON), TO(ELECTED), "a majority and a data quorum voted for this member"},
	{FROM(CANDIDATE), BY(DROPPED), TO(FOLLOWER), "the candidacy was dropped"},
	{FROM(CANDIDATE), BY(FORCED), TO(ELECTED), "an operator makes this member the leader without a majority"},
	{FROM(CANDIDATE), BY(RESIGN), TO(RESIGNED), "the server stops: the candidacy was dropped"},
	{FROM(CANDIDATE), BY(HOLD), TO(HELD), "this member takes no part from now on"},

	{FROM(ELECTED), BY(SECURED), TO(PROMOTING), "the term is on a majority: PostgreSQL is being promoted"},
	{FROM(ELECTED), BY(DROPPED), TO(FOLLOWER), "the term did not reach a majority in time: the win is dropped"},
	{FROM(ELECTED), BY(DEPOSED), TO(FOLLOWER), "a higher term has begun: the win is dropped"},
	{FROM(ELECTED), BY(RESIGN), TO(RESIGNING), "the term is given back before the promotion"},
	{FROM(ELECTED), BY(HOLD), TO(HELD), "this member takes no part from now on"},

	{FROM(PROMOTING), BY(PROMOTED), TO(OPENING), "PostgreSQL is a primary: its epoch is being registered"},
	{FROM(PROMOTING), BY(PROMOTION_FAILED), TO(REJOINING), "the promotion failed: PostgreSQL restarts as a standby"},
	{FROM(PROMOTING), BY(DEPOSED), TO(REJOINING), "a higher term began during the promotion: PostgreSQL restarts"},
	{FROM(PROMOTING), BY(RESIGN), TO(RESIGNING), "the term is given back during the promotion"},
	{FROM(PROMOTING), BY(HOLD), TO(HELD), "this member takes no part from now on"},

	{FROM(OPENING), BY(OPENED), TO(LEADER), "the epoch is secured: commits are acknowledged while the lease runs"},
	{FROM(OPENING), BY(DEPOSED), TO(FOLLOWER), "a higher term has begun: this member gives up before it opened"},
	{FROM(OPENING), BY(RESIGN), TO(RESIGNING), "the term is given back before it opened"},
	{FROM(OPENING), BY(HOLD), TO(HELD), "this member takes no part from now on"},

	{FROM(LEADER), BY(HAND_OVER), TO(HANDING_OVER), "commits are closed to hand the leadership over"},
	{FROM(LEADER), BY(DEPOSED), TO(FOLLOWER), "a higher term has begun: this member is no longer the leader"},
	{FROM(LEADER), BY(RESIGN), TO(RESIGNING),
	 "the leadership is given back: commits are closed, those in flight are waited for"},
	{FROM(LEADER), BY(HOLD), TO(HELD), "this member takes no part from now on"},

	{FROM(HANDING_OVER), BY(TAKEN_BACK), TO(LEADER), "the hand-over was taken back: commits open with the next round"},
	{FROM(HANDING_OVER), BY(DEPOSED), TO(FOLLOWER), "the leadership was handed over"},
	{FROM(HANDING_OVER), BY(RESIGN), TO(RESIGNING), "the leadership is given back during a hand-over"},
	{FROM(HANDING_OVER), BY(HOLD), TO(HELD), "this member takes no part from now on"},

	{FROM(RESIGNING), BY(DRAINED), TO(RESIGNED), "the last commit has ended: the others may elect at once"},
	{FROM(RESIGNING), BY(DEPOSED), TO(RESIGNED), "a higher term has begun while this member resigned"},
	{FROM(RESIGNING), BY(HOLD), TO(HELD), "this member takes no part from now on"},

	{FROM(RESIGNED), BY(DROPPED), TO(FOLLOWER), "the server goes on: this member takes part again"},
	{FROM(RESIGNED), BY(RESTARTED), TO(FOLLOWER), "started again: silent for the length of the promise"},
	{FROM(RESIGNED), BY(HOLD), TO(HELD), "this member takes no part from now on"},

	{FROM(REJOINING), BY(RESTARTED), TO(FOLLOWER), "started again: silent for the length of the promise"},
	{FROM(REJOINING), BY(HOLD), TO(HELD), "this member takes no part from now on"},
};

const size_t ha_roles_count = sizeof(ha_roles_table) / sizeof(ha_roles_table[0]);

const HaTransition *
ha_roles_find(HaRole from, HaTrigger trigger)
{
	for (size_t i = 0; i < ha_roles_count; i++)
	{
		if (ha_roles_table[i].from == from && ha_roles_table[i].trigger == trigger)
			return &ha_roles_table[i];
	}
	return NULL;
}

const char *
ha_role_name(HaRole role)
{
	static const char *const name[HA_ROLE_COUNT] = {
		[HA_ROLE_HELD] = "held",
		[HA_ROLE_FOLLOWER] = "follower",
		[HA_ROLE_CANDIDATE] = "candidate",
		[HA_ROLE_ELECTED] = "elected",
		[HA_ROLE_PROMOTING] = "promoting",
		[HA_ROLE_OPENING] = "opening",
		[HA_ROLE_LEADER] = "leader",
		[HA_ROLE_HANDING_OVER] = "handing over",
		[HA_ROLE_RESIGNING] = "resigning",
		[HA_ROLE_RESIGNED] = "resigned",
		[HA_ROLE_REJOINING] = "rejoining",
	};

	return (unsigned) role < HA_ROLE_COUNT ? name[role] : "unknown";
}

const char *
ha_trigger_name(HaTrigger trigger)
{
	static const char *const name[HA_TRIGGER_COUNT] = {
		[HA_TRIGGER_STAND] = "stand",
		[HA_TRIGGER_WON] = "won",
		[HA_TRIGGER_DROPPED] = "dropped",
		[HA_TRIGGER_SECURED] = "secured",
		[HA_TRIGGER_PROMOTED] = "promoted",
		[HA_TRIGGER_PROMOTION_FAILED] = "promotion failed",
		[HA_TRIGGER_OPENED] = "opened",
		[HA_TRIGGER_DEPOSED] = "deposed",
		[HA_TRIGGER_HAND_OVER] = "hand over",
		[HA_TRIGGER_TAKEN_BACK] = "taken back",
		[HA_TRIGGER_RESIGN] = "resign",
		[HA_TRIGGER_DRAINED] = "drained",
		[HA_TRIGGER_REJOIN] = "rejoin",
		[HA_TRIGGER_RESUMED] = "resumed",
		[HA_TRIGGER_FORCED] = "forced",
		[HA_TRIGGER_HOLD] = "hold",
		[HA_TRIGGER_ADOPTED] = "adopted",
		[HA_TRIGGER_RESTARTED] = "restarted",
	};

	return (unsigned) trigger < HA_TRIGGER_COUNT ? name[trigger] : "unknown";
}
