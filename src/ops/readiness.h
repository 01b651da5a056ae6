/*
 * readiness.h: would a failover succeed if the leader died now?
 *
 * Judged by what the leader knows of the others, so only the leader's answer is worth something. Pure; a forecast, and
 * nothing is decided by it (the election asks again, R12 to R18).
 */
#ifndef HA_OPS_READINESS_H
#define HA_OPS_READINESS_H

#include "wire/status.h"

/* reason, English, Chinese; the first that holds, in this order */
#define HA_READINESS_LIST(X) \
	X(READY, "a failure of the leader would fail over", "主库故障时可以自动切换") \
	X(UNKNOWN, "this member does not lead: it can't know", "本节点不是主库，无法判断") \
	X(PAUSED, "automatic failover is paused", "自动切换已暂停") \
	X(NO_STANDBY, "no other data member may lead", "没有其他可以成为主库的数据节点") \
	X(NO_MAJORITY, "too few members answer: without the leader there would be no majority", \
	  "在线成员不足：失去主库后将没有多数派") \
	X(NONE_READY, "no standby that answers could take over: each is behind, blocked or not joined yet", \
	  "在线的备库都不能接管：落后、受阻或尚未加入") \
	X(NO_DATA_QUORUM, "too few synchronous standbys answer: one that holds every commit might be missing", \
	  "在线的同步备库不足：可能缺少持有全部已提交事务的节点")

typedef enum HaReadiness
{
#define HA_READINESS_ENUM(reason, english, chinese) HA_READINESS_##reason,
	HA_READINESS_LIST(HA_READINESS_ENUM)
#undef HA_READINESS_ENUM
	HA_READINESS_COUNT
} HaReadiness;

/* `best`: who would win (0 = nobody): the furthest, then the one of highest priority. May be NULL. */
extern HaReadiness ha_readiness(const HaStatus *status, HaId *best);

/* One sentence, without a stop at the end. */
extern const char *ha_readiness_text(HaReadiness readiness, bool chinese);

/* The reason whose English sentence the text ends with, HA_READINESS_COUNT = none. */
extern HaReadiness ha_readiness_of_text(const char *text);

#endif
