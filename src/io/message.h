/*
 * message.h: a bulletin out of JSON, as the alerts worker hands it to the sender.
 *
 *     {"channel": "ops", "more": 0, "notices": [{"id": "7f3a90c1d2e4b5a6-1", "kind": "firing", "severity": "critical",
 *       "rule": "disk_used", "summary": "...", "description": "...", "value": "91", "reason": "", "page": "",
 *       "starts_us": 1700000000000000, "ends_us": 0, "labels": {"path": "/data"}}]}
 *
 * Any bytes may come in. Texts that are too long are cut between two characters; labels, and notices, beyond the limits
 * are left out; what is missing is empty. So is a page that is no plain http(s) address, and a time after the year
 * 9999. Only an id must be there, of letters, digits and "-_.".
 */
#ifndef HA_IO_MESSAGE_H
#define HA_IO_MESSAGE_H

#include <stddef.h>

#include "ops/notice.h"

/* False when it is no bulletin; `why` says what is wrong. */
extern bool ha_message_read(const char *json, size_t length, HaBulletin *bulletin, char *why, size_t why_size);

#endif
