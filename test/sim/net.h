/*
 * net.h: the network between hosts: delay, loss, repetition, reordering, cuts in one or both directions.
 *
 * Messages of the members are datagrams here, which is harsher than the connections that carry them in the server.
 * Flush reports of WAL receivers keep their order, as they do on their connection.
 */
#ifndef HA_SIM_NET_H
#define HA_SIM_NET_H

#include "core/message.h"
#include "test/sim/sim.h"

#define SIM_PACKETS_MAX 512
#define SIM_REGISTERS_MAX 64

typedef enum SimPacketKind
{
	SIM_PACKET_MESSAGE,
	SIM_PACKET_REPORT			/* of a WAL receiver to its walsender */
} SimPacketKind;

/* What a message says, once for everybody to whom it is under way. */
typedef struct SimLetter
{
	uint32_t packets;			/* under way with it; 0 = free */
	int reg;					/* in SimNet.reg, -1 = none */
	HaMessage message;
	HaSummary summary[HA_MEMBERS_MAX];
} SimLetter;

typedef struct SimPacket
{
	SimPacketKind kind;
	uint32_t from;				/* hosts */
	uint32_t to;
	uint32_t to_life;			/* of the receiver: who it was meant for */
	HaId id;					/* MESSAGE: its number as a member */
	SimLetter *letter;
	uint32_t conn;				/* REPORT: of which connection, and what is flushed */
	HaLsn lsn;
} SimPacket;

typedef struct SimQueued
{
	SimUs due;
	SimPacket *packet;
} SimQueued;

typedef struct SimNet
{
	bool cut[SIM_HOSTS_MAX][SIM_HOSTS_MAX];	/* [from][to]: nothing gets through */
	bool deaf[SIM_HOSTS_MAX][SIM_HOSTS_MAX];	/* the peer port alone is blocked (S25) */
	bool dry[SIM_HOSTS_MAX][SIM_HOSTS_MAX];	/* PostgreSQL's port alone is blocked */
	SimUs delay_min;
	SimUs delay_max;
	uint32_t loss;				/* per mille */
	uint32_t repeat;
	uint32_t late;				/* per mille that take up to late_max instead */
	SimUs late_max;

	uint32_t queued_count;
	SimQueued queued[1 + SIM_PACKETS_MAX];	/* by time of arrival, the next one last */
	uint32_t free_count;
	SimPacket *free[SIM_PACKETS_MAX];
	SimPacket packet[SIM_PACKETS_MAX];
	uint32_t free_letter_count;
	SimLetter *free_letter[SIM_PACKETS_MAX];	/* a letter has a packet at least: there are enough of them */
	SimLetter letter[SIM_PACKETS_MAX];
	bool reg_taken[SIM_REGISTERS_MAX];
	HaRegister reg[SIM_REGISTERS_MAX];
} SimNet;

extern void sim_net_begin(struct SimWorld *w);

/* Sends one of a step's messages to everyone it is for. */
extern void sim_net_send(struct SimWorld *w, struct SimHost *from, const HaSend *send);
extern void sim_net_report(struct SimWorld *w, struct SimHost *from, struct SimHost *to, uint32_t conn, HaLsn lsn);

/* When the next packet arrives, SIM_NEVER = none is under way. */
extern SimUs sim_net_due(const SimNet *net);
extern void sim_net_deliver(struct SimWorld *w);

/* Does PostgreSQL's port let nothing through in this direction? */
extern bool sim_net_blocked(const SimNet *net, uint32_t from, uint32_t to);
/* Can PostgreSQL's connections be made? */
extern bool sim_net_linked(const SimNet *net, const struct SimHost *a, const struct SimHost *b);
extern void sim_net_heal(SimNet *net);

#endif
