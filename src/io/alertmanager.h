/*
 * alertmanager.h: a webhook that takes what Alertmanager sends, version 4 (alerting.md A.4).
 *
 * So PrometheusAlert and its like can be fed while one moves over. Its status decides: 2xx is taken.
 */
#ifndef HA_IO_ALERTMANAGER_H
#define HA_IO_ALERTMANAGER_H

#include "io/channel.h"

extern size_t ha_alertmanager_layout(HaLayout *layout);
extern HaVerdict ha_alertmanager_judge(const HaWebhookAnswer *answer, int64_t wall_s, char *reason, size_t size);

#endif
