/*
 * ask.c: requests on their way to a decision, and answers on their way back; see engine_parts.h.
 *
 * A request gets a number of our own, under which the core (or the leader that it was passed on to) answers.
 */
#include "drive/engine_parts.h"

/* A free place; the oldest when all wait: whoever asked it has given up by then. */
static HaPending *
take_place(HaBuiltin *b)
{
	HaPending *place = &b->pending[0];

	for (uint32_t i = 1; i < PENDING_MAX; i++)
	{
		if (b->pending[i].number < place->number)
			place = &b->pending[i];
	}
	place->number = ++b->pending_last;
	return place;
}

static HaPending *
find_place(HaBuiltin *b, uint64_t number)
{
	for (uint32_t i = 0; i < PENDING_MAX; i++)
	{
		if (number != 0 && b->pending[i].number == number)
			return &b->pending[i];
	}
	return NULL;
}

/* Sends the answer where the question came from, and frees the place. */
static void
deliver(HaBuiltin *b, HaPending *place, const HaReply *reply)
{
	HaPending to = *place;
	HaReply own = *reply;
	HaWriter *writer;

	place->number = 0;
	own.number = to.asked;
	if (to.link == 0)
	{
		if (b->world.reply != NULL)
			b->world.reply(b->world.self, &own);
		return;
	}
	writer = ha_peers_begin_link(b->peers, to.link, HA_FRAME_REQUEST_R);
	if (writer == NULL)
		return;
	ha_put_reply(writer, &own);
	(void) ha_peers_end(b->peers);
}

/* An answer of this member, with where to ask instead. */
static HaReply
make_reply(const HaBuiltin *b, HaAnswer answer, HaId id)
{
	const HaMember *leader = ha_register_member(&b->node.hard.reg, b->node.leader);
	HaReply reply = {.answer = answer, .id = id, .leader = b->node.leader};

	if (leader != NULL)
	{
		memcpy(reply.leader_host, leader->peer_host, sizeof(reply.leader_host));
		reply.leader_port = leader->peer_port;
	}
	return reply;
}

/* True when the request is on its way to the leader. */
static bool
pass_on(HaBuiltin *b, const HaRequest *request)
{
	HaWriter *writer = NULL;

	if (ha_role_leads(b->node.role) || request->kind == HA_REQUEST_FORCE || b->node.leader == b->node.hard.id)
		return false;
	writer = ha_peers_begin(b->peers, b->node.leader, HA_FRAME_REQUEST);
	if (writer == NULL)
		return false;
	ha_put_request(writer, request);
	return ha_peers_end(b->peers);
}

void
ha_ask_request(HaBuiltin *b, HaLink link, const HaRequest *request)
{
	HaPending *place = take_place(b);
	HaRequest numbered = *request;
	HaEvent event = {.kind = HA_EVENT_REQUEST, .request = &numbered};

	place->asked = request->number;
	place->link = link;
	numbered.number = place->number;

	/* Taking over without a majority is for those who are on this machine (R42). */
	if (request->kind == HA_REQUEST_FORCE && link != 0 && !ha_peers_is_local(b->peers, link))
	{
		HaReply reply = make_reply(b, HA_ANSWER_INVALID, 0);

		deliver(b, place, &reply);
		return;
	}
	if (link == 0 && pass_on(b, &numbered))
		return;
	ha_builtin_step(b, &event);
}

void
ha_ask_answered(HaBuiltin *b)
{
	HaPending *place = find_place(b, b->effects.request_number);
	HaReply reply = make_reply(b, b->effects.answer, b->effects.answer_id);

	if (place != NULL)
		deliver(b, place, &reply);
}

void
ha_ask_reply(HaBuiltin *b, const HaReply *reply)
{
	HaPending *place = find_place(b, reply->number);

	if (place != NULL)
		deliver(b, place, reply);
}
