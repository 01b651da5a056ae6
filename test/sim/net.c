/*
 * net.c: packets under way, in a heap by their time of arrival; see net.h.
 */
#include "test/sim/world.h"

/* ---- The heap ---- */

static bool
earlier(const SimQueued *a, const SimQueued *b)
{
	return a->due < b->due || (a->due == b->due && a->order < b->order);
}

static void
push(SimNet *net, SimUs due, uint32_t packet)
{
	SimQueued item = {due, net->order++, packet};
	uint32_t i = net->queued_count++;

	while (i > 0 && earlier(&item, &net->queued[(i - 1) / 2]))
	{
		net->queued[i] = net->queued[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	net->queued[i] = item;
}

static uint32_t
pop(SimNet *net)
{
	uint32_t packet = net->queued[0].packet;
	SimQueued last = net->queued[--net->queued_count];
	uint32_t i = 0;

	for (;;)
	{
		uint32_t child = 2 * i + 1;

		if (child >= net->queued_count)
			break;
		if (child + 1 < net->queued_count && earlier(&net->queued[child + 1], &net->queued[child]))
			child++;
		if (!earlier(&net->queued[child], &last))
			break;
		net->queued[i] = net->queued[child];
		i = child;
	}
	net->queued[i] = last;
	return packet;
}

/* ---- Packets ---- */

void
sim_net_begin(SimWorld *w)
{
	SimNet *net = &w->net;

	sim_net_heal(net);
	memset(net->reg_refs, 0, sizeof(net->reg_refs));
	net->queued_count = 0;
	net->order = 0;
	net->free_count = SIM_PACKETS_MAX;
	for (uint32_t i = 0; i < SIM_PACKETS_MAX; i++)
		net->free[i] = SIM_PACKETS_MAX - 1 - i;
}

/* NULL when too much is under way: the packet is lost then. */
static SimPacket *
take(SimNet *net, SimPacketKind kind, const SimHost *from, const SimHost *to)
{
	SimPacket *p;

	if (net->free_count == 0)
		return NULL;
	p = &net->packet[net->free[--net->free_count]];
	p->kind = kind;
	p->from = from->index;
	p->to = to->index;
	p->to_life = to->life;
	p->reg = -1;
	return p;
}

static void
give_back(SimNet *net, SimPacket *p)
{
	if (p->reg >= 0)
		net->reg_refs[p->reg]--;
	net->free[net->free_count++] = (uint32_t) (p - net->packet);
}

/* A copy of the register to travel with packets, -1 when there is no room. */
static int
copy_register(SimNet *net, const HaRegister *reg)
{
	for (int i = 0; i < SIM_REGISTERS_MAX; i++)
	{
		if (net->reg_refs[i] != 0)
			continue;
		net->reg[i] = *reg;
		return i;
	}
	return -1;
}

static SimUs
travel(SimWorld *w)
{
	if (sim_chance(w, w->net.late))
		return sim_between(w, w->net.delay_max, w->net.late_max);
	return sim_between(w, w->net.delay_min, w->net.delay_max);
}

static void
send_one(SimWorld *w, SimHost *from, SimHost *to, HaId id, const HaMessage *m, int *reg)
{
	SimNet *net = &w->net;
	SimPacket *p;

	if (net->cut[from->index][to->index] || net->deaf[from->index][to->index] || sim_chance(w, net->loss))
		return;
	if (m->reg != NULL && *reg < 0 && (*reg = copy_register(net, m->reg)) < 0)
		return;
	p = take(net, SIM_PACKET_MESSAGE, from, to);
	if (p == NULL)
		return;
	p->message = *m;
	p->message.to = id;
	if (m->reg != NULL)
	{
		p->reg = *reg;
		net->reg_refs[*reg]++;
	}
	if (m->summary_count > 0)
		memcpy(p->summary, m->summary, sizeof(HaSummary) * m->summary_count);
	push(net, w->now + travel(w), (uint32_t) (p - net->packet));
}

/* One line of the trace for a message. */
static void
say_message(const SimWorld *w, const SimHost *from, const HaSend *send)
{
	static const char *const type[] = {"?", "PREVOTE", "PREVOTE_R", "VOTE", "VOTE_R", "BEAT", "BEAT_R", "TIMEOUT_NOW",
		"RESIGN"};
	static const char *const refusal[HA_REFUSAL_COUNT] = {"granted", "held", "stranger", "term", "paused", "silent",
		"promise", "register", "ineligible", "behind", "better"};
	const HaMessage *m = &send->message;
	bool answer = m->type == HA_MESSAGE_PREVOTE_R || m->type == HA_MESSAGE_VOTE_R;

	sim_say(w, from, "  sends %s to %x: term %llu, register %llu.%llu, position %llu:%llu, joined %llu, round %lld%s%s",
			type[m->type], send->to, (unsigned long long) m->term, (unsigned long long) m->version.term,
			(unsigned long long) m->version.number, (unsigned long long) m->position.wal_term,
			(unsigned long long) m->position.lsn, (unsigned long long) m->joined_term, (long long) m->round_us,
			answer ? ", " : "", answer ? refusal[m->refusal] : m->reg != NULL ? ", with register" : "");
}

void
sim_net_send(SimWorld *w, SimHost *from, const HaSend *send)
{
	int reg = -1;

	if (w->trace)
		say_message(w, from, send);

	for (HaSet s = send->to; s != 0; s &= s - 1)
	{
		HaId id = ha_set_first(s);
		SimHost *to = sim_host_at(w, &from->node.hard.reg, id);

		if (to == NULL || to == from)
			continue;
		sim_hash(w, (uint64_t) send->message.type << 32 ^ id ^ (uint64_t) send->message.round_us << 8 ^
				 send->message.position.lsn);
		send_one(w, from, to, id, &send->message, &reg);
		if (sim_chance(w, w->net.repeat))
			send_one(w, from, to, id, &send->message, &reg);
	}
}

void
sim_net_report(SimWorld *w, SimHost *from, SimHost *to, uint32_t conn, HaLsn lsn)
{
	SimPacket *p = take(&w->net, SIM_PACKET_REPORT, from, to);

	if (p == NULL)
		return;
	p->conn = conn;
	p->lsn = lsn;
	push(&w->net, w->now + sim_between(w, w->net.delay_min, w->net.delay_max), (uint32_t) (p - w->net.packet));
}

/* ---- Arrival ---- */

SimUs
sim_net_due(const SimNet *net)
{
	return net->queued_count == 0 ? SIM_NEVER : net->queued[0].due;
}

static void
deliver_message(SimWorld *w, SimHost *to, SimPacket *p)
{
	HaEvent event = {.kind = HA_EVENT_MESSAGE, .message = &p->message};

	if (!to->running || to->life != p->to_life || to->id != p->message.to)
		return;
	p->message.reg = p->reg >= 0 ? &w->net.reg[p->reg] : NULL;
	p->message.summary = p->message.summary_count > 0 ? p->summary : NULL;
	sim_worker_turn(w, to, &event);
}

/* When somebody at the other end reads what arrives; a moment that is over means at once. */
static SimUs
read_from(const SimWorld *w, const SimHost *to, SimPacketKind kind)
{
	SimUs from = to->halted_until;

	if (kind != SIM_PACKET_MESSAGE || !to->running)
		return from;
	if (to->worker_until > from)
		from = to->worker_until;
	if (to->pending && from <= w->now)
		from = to->timer[SIM_TIMER_PERSIST];
	return to->pending && from <= w->now ? w->now + 1 : from;
}

void
sim_net_deliver(SimWorld *w)
{
	SimNet *net = &w->net;
	SimPacket *p = &net->packet[pop(net)];
	SimHost *to = &w->host[p->to];
	SimUs from = read_from(w, to, p->kind);

	if (to->powered && from > w->now)
	{
		/* It lies in a socket's buffer until somebody reads it. */
		push(net, from + 1, (uint32_t) (p - net->packet));
		return;
	}
	if (to->powered && p->kind == SIM_PACKET_MESSAGE)
		deliver_message(w, to, p);
	else if (to->powered)
		sim_stream_report(w, to, p->from, p->conn, p->lsn);
	give_back(net, p);
}

/* ---- Links ---- */

bool
sim_net_blocked(const SimNet *net, uint32_t from, uint32_t to)
{
	return net->cut[from][to] || net->dry[from][to];
}

bool
sim_net_linked(const SimNet *net, const SimHost *a, const SimHost *b)
{
	return !sim_net_blocked(net, a->index, b->index) && !sim_net_blocked(net, b->index, a->index);
}

void
sim_net_heal(SimNet *net)
{
	memset(net->cut, 0, sizeof(net->cut));
	memset(net->deaf, 0, sizeof(net->deaf));
	memset(net->dry, 0, sizeof(net->dry));
}
