/*
 * contact.h: talking to a cluster from outside of it: whoever answers, whoever leads.
 *
 * For the program. Holds the key and every peer address that it has heard of; each answer adds those of its register.
 */
#ifndef HA_DRIVE_CONTACT_H
#define HA_DRIVE_CONTACT_H

#include "io/operator.h"

#define HA_CONTACT_ADDRESSES_MAX (2 * HA_MEMBERS_MAX)

/* How long one member is waited for before the next one is asked. */
#define HA_CONTACT_ONE_US (2000 * HA_US_PER_MS)

typedef struct HaContact
{
	HaKey key;
	uint32_t count;
	struct
	{
		char host[HA_HOST_SIZE];
		uint16_t port;
	} address[HA_CONTACT_ADDRESSES_MAX];
} HaContact;

/* Adds an address, at the front: it is tried first. One that is there already moves there. */
extern void ha_contact_add(HaContact *contact, const char *host, uint16_t port);

/* The addresses of all members, behind those that are there. */
extern void ha_contact_add_register(HaContact *contact, const HaRegister *reg);

/* The status of the first member that answers. */
extern bool ha_contact_any(HaContact *contact, HaStatus *status, HaUs limit_us, HaFault *fault);

/* True when the member that gave this status may take writes now. */
extern bool ha_contact_leads(const HaStatus *status);

/* Looks for the leader until it is found or the time is over; its status, and the connection when op is not NULL. */
extern bool ha_contact_leader(HaContact *contact, HaStatus *status, HaOperator **op, HaUs limit_us, HaFault *fault);

/* The status of one member, by its address in the register. */
extern bool ha_contact_member(HaContact *contact, const HaMember *member, HaStatus *status, HaUs limit_us,
							  HaFault *fault);

/*
 * Puts a request to the leader, again when it is busy or has changed; to the leader of this term alone, unless term is
 * 0. An answer other than done is a fault, except that reply tells it. limit_us: for all of it.
 */
extern bool ha_contact_request(HaContact *contact, HaTerm term, const HaRequest *request, HaReply *reply,
							   HaUs limit_us, HaFault *fault);

extern void ha_contact_end(HaContact *contact);

#endif
