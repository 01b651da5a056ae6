/*
 * operator.h: one question at a time to a member's peer port, with a deadline: what the program uses.
 *
 * The operator is sender number 0 and is known by the cluster's key alone. Addresses are numeric. Nothing here waits
 * beyond its deadline. An operator whose call failed is closed; open another one.
 */
#ifndef HA_IO_OPERATOR_H
#define HA_IO_OPERATOR_H

#include "io/fault.h"
#include "io/session.h"
#include "wire/event.h"
#include "wire/status.h"

typedef struct HaOperator HaOperator;

/* Connects and proves the key both ways. NULL with a fault. To be closed. */
extern HaOperator *ha_operator_open(const HaKey *key, const char *host, uint16_t port, HaUs limit_us, HaFault *fault);

extern void ha_operator_close(HaOperator *op);

/* The member that answers. */
extern HaId ha_operator_member(const HaOperator *op);

extern bool ha_operator_status(HaOperator *op, HaStatus *status, HaUs limit_us, HaFault *fault);

/* request->number is chosen here. An answer that is not "done" is no fault: it stands in the reply. */
extern bool ha_operator_request(HaOperator *op, const HaRequest *request, HaReply *reply, HaUs limit_us,
								HaFault *fault);

/* All events that the member holds, oldest first, into record[HA_EVENTS_KEPT]. */
extern bool ha_operator_events(HaOperator *op, HaEventRecord *record, uint32_t *count, HaUs limit_us, HaFault *fault);

#endif
