/*
 * mail.h: a mail, by SMTP (alerting.md A.5; RFC 5322, 2045, 2047).
 *
 * No text can add a header or end the mail: what is not ASCII, and anything else, stands encoded in base64.
 */
#ifndef HA_IO_MAIL_H
#define HA_IO_MAIL_H

#include "io/channel.h"

extern size_t ha_mail_layout(HaLayout *layout);
extern HaVerdict ha_mail_judge(const HaWebhookAnswer *answer, int64_t wall_s, char *reason, size_t size);

#endif
