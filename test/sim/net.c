/*
 * net.c: packets under way, sorted by their time of arrival; see net.h.
 */
#include "test/sim/copy.h"
#include "test/sim/world.h"

/* ---- The queue ---- */

/*
 * Sorted, the next one last: taking it costs nothing, and what is sent now has only a few before it. Among those due at
 * once: first sent, first served. The first place is nobody's, and never due: every search ends there.
 */
static void
push(SimNet *net, SimUs due, SimPacket *packet)
{
	SimQueued *place = &net->queued[net->queued_count++];

	assert(due < SIM_NEVER);
	for (; place[-1].due <= due; place--)
		*place = place[-1];
	*place = (SimQueued){due, packet};
}

static SimPacket *
pop(SimNet *net)
{
	return net->queued[--net->queued_count].packet;
}

/* ---- Packets and letters ---- */

void
sim_net_begin(SimWorld *w)
{
	SimNet *net = &w->net;

	sim_net_heal(net);
	memset(net->reg_taken, 0, sizeof(net->reg_taken));
	net->queued[0] = (SimQueued){SIM_NEVER, NULL};
	net->queued_count = 1;
	net->free_count = net->free_letter_count = SIM_PACKETS_MAX;
	for (uint32_t i = 0; i < SIM_PACKETS_MAX; i++)
	{
		net->free[i] = &net->packet[SIM_PACKETS_MAX - 1 - i];
		net->free_letter[i] = &net->letter[SIM_PACKETS_MAX - 1 - i];
	}
}

/* NULL when too much is under way: the packet is lost then. */
static SimPacket *
take(SimNet *net, SimPacketKind kind, const SimHost *from, const SimHost *to)
{
	SimPacket *p;

	if (net->free_count == 0)
		return NULL;
	p = net->free[--net->free_count];
	p->kind = kind;
	p->from = from->index;
	p->to = to->index;
	p->to_life = to->life;
	p->letter = NULL;
	return p;
}

static void
give_back(SimNet *net, SimPacket *p)
{
	SimLetter *l = p->letter;

	net->free[net->free_count++] = p;
	if (l == NULL || --l->packets > 0)
		return;
	if (l->reg >= 0)
		net->reg_taken[l->reg] = false;
	net->free_letter[net->free_letter_count++] = l;
}

/* Room for a register to travel with a letter, -1 when there is none. */
static int
take_register(SimNet *net)
{
	for (int i = 0; i < SIM_REGISTERS_MAX; i++)
	{
		if (net->reg_taken[i])
			continue;
		net->reg_taken[i] = true;
		return i;
	}
	return -1;
}

/* A copy of the message with all that belongs to it; NULL when there is no room for its register. */
static SimLetter *
write_letter(SimNet *net, const HaMessage *m)
{
	SimLetter *l;
	int reg = -1;

	if (m->reg != NULL && (reg = take_register(net)) < 0)
		return NULL;
	l = net->free_letter[--net->free_letter_count];
	l->packets = 0;
	l->reg = reg;
	l->message = *m;
	if (reg >= 0)
	{
		sim_copy_register(&net->reg[reg], m->reg);
		l->message.reg = &net->reg[reg];
	}
	l->message.summary = m->summary_count > 0 ? l->summary : NULL;
	for (uint32_t i = 0; i < m->summary_count; i++)
		l->summary[i] = m->summary[i];
	return l;
}

static SimUs
travel(SimWorld *w)
{
	if (sim_chance(w, w->net.late))
		return sim_between(w, w->net.delay_max, w->net.late_max);
	return sim_between(w, w->net.delay_min, w->net.delay_max);
}

/* `letter`: written when the first packet with it leaves. */
static void
send_one(SimWorld *w, SimHost *from, SimHost *to, HaId id, const HaMessage *m, SimLetter **letter)
{
	SimNet *net = &w->net;
	SimPacket *p;

	if (net->cut[from->index][to->index] || net->deaf[from->index][to->index] || sim_chance(w, net->loss))
		return;
	if (net->free_count == 0 || (*letter == NULL && (*letter = write_letter(net, m)) == NULL))
		return;
	p = take(net, SIM_PACKET_MESSAGE, from, to);
	p->id = id;
	p->letter = *letter;
	p->letter->packets++;
	push(net, w->now + travel(w), p);
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
	SimLetter *letter = NULL;

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
		send_one(w, from, to, id, &send->message, &letter);
		if (sim_chance(w, w->net.repeat))
			send_one(w, from, to, id, &send->message, &letter);
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
	push(&w->net, w->now + sim_between(w, w->net.delay_min, w->net.delay_max), p);
}

/* ---- Arrival ---- */

SimUs
sim_net_due(const SimNet *net)
{
	return net->queued[net->queued_count - 1].due;
}

static void
deliver_message(SimWorld *w, SimHost *to, SimPacket *p)
{
	HaEvent event = {.kind = HA_EVENT_MESSAGE, .message = &p->letter->message};

	if (!to->running || to->life != p->to_life || to->id != p->id)
		return;
	p->letter->message.to = p->id;
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
	SimPacket *p = pop(net);
	SimHost *to = &w->host[p->to];
	SimUs from = read_from(w, to, p->kind);

	if (to->powered && from > w->now)
	{
		/* It lies in a socket's buffer until somebody reads it. */
		push(net, from + 1, p);
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
