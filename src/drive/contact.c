/*
 * contact.c: see contact.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "drive/contact.h"
#include "io/clock.h"
#include "io/process.h"
#include "ops/members.h"

#define AGAIN_US (100 * HA_US_PER_MS)

static bool
find_address(const HaContact *contact, const char *host, uint16_t port, uint32_t *index)
{
	for (*index = 0; *index < contact->count; (*index)++)
	{
		if (contact->address[*index].port == port && strcmp(contact->address[*index].host, host) == 0)
			return true;
	}
	return false;
}

static void
put_address(HaContact *contact, uint32_t index, const char *host, uint16_t port)
{
	snprintf(contact->address[index].host, sizeof(contact->address[index].host), "%s", host);
	contact->address[index].port = port;
}

void
ha_contact_add(HaContact *contact, const char *host, uint16_t port)
{
	uint32_t index;
	char kept[HA_HOST_SIZE];

	snprintf(kept, sizeof(kept), "%s", host);
	if (!find_address(contact, kept, port, &index))
		index = contact->count < HA_CONTACT_ADDRESSES_MAX ? contact->count++ : HA_CONTACT_ADDRESSES_MAX - 1;
	memmove(&contact->address[1], &contact->address[0], index * sizeof(contact->address[0]));
	put_address(contact, 0, kept, port);
}

void
ha_contact_add_register(HaContact *contact, const HaRegister *reg)
{
	for (uint32_t i = 0; i < reg->member_count; i++)
	{
		const HaMember *member = &reg->member[i];
		uint32_t index;

		if (!find_address(contact, member->peer_host, member->peer_port, &index) &&
			contact->count < HA_CONTACT_ADDRESSES_MAX)
			put_address(contact, contact->count++, member->peer_host, member->peer_port);
	}
}

static HaUs
left_of(HaUs until_us)
{
	HaUs left_us = until_us - ha_clock_now().mono_us;

	return left_us < HA_CONTACT_ONE_US ? left_us : HA_CONTACT_ONE_US;
}

/* Asks one address; *op is open when true is returned. */
static bool
ask_one(HaContact *contact, const char *host, uint16_t port, HaStatus *status, HaOperator **op, HaUs limit_us,
		HaFault *fault)
{
	*op = limit_us > 0 ? ha_operator_open(&contact->key, host, port, limit_us, fault) : NULL;
	if (*op != NULL && ha_operator_status(*op, status, limit_us, fault))
		return true;
	ha_operator_close(*op);
	*op = NULL;
	return false;
}

bool
ha_contact_any(HaContact *contact, HaStatus *status, HaUs limit_us, HaFault *fault)
{
	HaUs until_us = ha_clock_now().mono_us + limit_us;
	HaFault first = {.text = ""};

	for (uint32_t i = 0; i < contact->count; i++)
	{
		HaOperator *op;

		if (ask_one(contact, contact->address[i].host, contact->address[i].port, status, &op, left_of(until_us),
					fault))
		{
			ha_operator_close(op);
			if (status->has_register)
				ha_contact_add_register(contact, &status->reg);
			return true;
		}
		if (i == 0)
			first = *fault;
	}
	*fault = first;
	return false;
}

bool
ha_contact_leads(const HaStatus *status)
{
	return (status->role == HA_ROLE_LEADER || status->role == HA_ROLE_HANDING_OVER) && status->has_register &&
		(status->lease_left_us > 0 || status->reg.paused);
}

/* Asks everybody once, who leads by the last answer first. */
static bool
look_once(HaContact *contact, HaStatus *status, HaOperator **op, HaUs until_us, HaFault *fault)
{
	bool asked[HA_CONTACT_ADDRESSES_MAX] = {false};
	HaContact all = *contact;	/* by its own order, while `contact` is reordered */
	uint32_t next = 0;
	bool answered = false;
	bool lasting = true;		/* nobody who was asked could answer another time */

	for (uint32_t asks = 0; asks < HA_CONTACT_ADDRESSES_MAX; asks++)
	{
		const HaMember *leader;
		HaFault why = {.text = ""};

		while (next < all.count && asked[next])
			next++;
		if (next >= all.count)
			break;
		asked[next] = true;
		if (!ask_one(&all, all.address[next].host, all.address[next].port, status, op, left_of(until_us), &why))
		{
			lasting = lasting && why.lasting;
			if (!answered)
				*fault = why;
			next = 0;
			continue;
		}
		answered = true;
		lasting = false;
		if (ha_contact_leads(status))
		{
			ha_contact_add(contact, all.address[next].host, all.address[next].port);
			ha_contact_add_register(contact, &status->reg);
			return true;
		}
		ha_operator_close(*op);
		*op = NULL;
		ha_fault(fault, "pg_haops status shows what each member sees", "no member leads at the moment");
		if (status->has_register)
			ha_contact_add_register(&all, &status->reg);
		leader = status->has_register ? ha_register_member(&status->reg, status->leader) : NULL;
		if (leader == NULL || !find_address(&all, leader->peer_host, leader->peer_port, &next) || asked[next])
			next = 0;
	}
	ha_contact_end(&all);
	fault->lasting = lasting;
	return false;
}

bool
ha_contact_leader(HaContact *contact, HaStatus *status, HaOperator **op, HaUs limit_us, HaFault *fault)
{
	HaUs until_us = ha_clock_now().mono_us + limit_us;
	HaOperator *found = NULL;

	for (;;)
	{
		if (look_once(contact, status, &found, until_us, fault))
		{
			if (op != NULL)
				*op = found;
			else
				ha_operator_close(found);
			return true;
		}
		if (ha_process_interrupted())
			return ha_fault(fault, NULL, "interrupted");
		if (fault->lasting || ha_clock_now().mono_us + AGAIN_US >= until_us || !ha_process_pause(AGAIN_US))
			return false;
	}
}

bool
ha_contact_member(HaContact *contact, const HaMember *member, HaStatus *status, HaUs limit_us, HaFault *fault)
{
	HaOperator *op;

	if (!ask_one(contact, member->peer_host, member->peer_port, status, &op, limit_us, fault))
		return false;
	ha_operator_close(op);
	if (status->id == member->id)
		return true;
	return ha_fault(fault, "two members may have one peer address", "at the address of %s member number %u answers",
					member->name, (unsigned) status->id);
}

bool
ha_contact_request(HaContact *contact, HaTerm term, const HaRequest *request, HaReply *reply, HaUs limit_us,
				   HaFault *fault)
{
	HaUs until_us = ha_clock_now().mono_us + limit_us;

	memset(reply, 0, sizeof(*reply));
	for (;;)
	{
		HaOperator *op = NULL;
		HaStatus status;
		HaUs left_us = until_us - ha_clock_now().mono_us;
		bool again = false;

		if (!ha_contact_leader(contact, &status, &op, left_us, fault))
			return false;
		if (term != 0 && status.term != term)
		{
			ha_operator_close(op);
			return ha_fault(fault, "pg_haops status shows the members; ask again if it is still wanted",
							"the leadership has changed meanwhile: %s leads, in term %" PRIu64,
							ha_members_name(&status, status.id), status.term);
		}
		left_us = until_us - ha_clock_now().mono_us;
		if (!ha_operator_request(op, request, reply, left_us > 0 ? left_us : 1, fault))
		{
			ha_operator_close(op);
			return ha_fault_prefix(fault, "the outcome is unknown: ");
		}
		ha_operator_close(op);
		if (reply->answer == HA_ANSWER_DONE)
			return true;
		again = reply->answer == HA_ANSWER_BUSY || reply->answer == HA_ANSWER_NOT_LEADER;
		if (!again || ha_clock_now().mono_us + AGAIN_US >= until_us || !ha_process_pause(AGAIN_US))
			return ha_fault(fault, reply->answer == HA_ANSWER_BUSY ? "ask again when it is over" : NULL,
							"the leader refuses: %s", ha_answer_text(reply->answer));
	}
}

void
ha_contact_end(HaContact *contact)
{
	ha_key_wipe(&contact->key);
	contact->count = 0;
}
