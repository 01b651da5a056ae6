/*
 * alert_rule.h: the rules of haops.alert_rule as the alerts worker and haops.preview_alert() have them, and what comes
 * of one when it is evaluated.
 *
 * A rule's query runs read only, with the rights of its owner, who can't get others by it
 * (SECURITY_RESTRICTED_OPERATION, as maintenance commands do it), with a limit of time, and in a subtransaction that is
 * always rolled back. Whatever goes wrong is an answer: "not known", and why.
 */
#ifndef HA_SERVER_ALERT_RULE_H
#define HA_SERVER_ALERT_RULE_H

#include "server/compat.h"

#include "core/note.h"
#include "executor/spi.h"
#include "nodes/pg_list.h"
#include "ops/episode.h"
#include "ops/notice.h"
#include "server/words.h"

#define HA_RULE_ROWS_MAX 100
#define HA_RULE_LIMIT_MS 2000

typedef enum HaRulePlace
{
	HA_RULE_LEADER,
	HA_RULE_STANDBYS,
	HA_RULE_EVERY_NODE
} HaRulePlace;

/* A row of haops.alert_rule; all of it palloc'd in one context. */
typedef struct HaRule
{
	char	   *name;
	char	   *query;
	char	   *comparison;		/* NULL: each row is an alert */
	double		threshold;
	HaEpisodeRule times;
	int64		every_us;
	HaSeverity	severity;
	char	   *summary;		/* in the language of pg_haops.language */
	char	   *description;
	int			label_count;
	HaLabelText *label;			/* that each of its alerts bears */
	bool		all_channels;
	HaWords		channels;
	HaRulePlace place;
	bool		expect_rows;
	HaWords		inhibited_by;
	HaWords		equal_labels;
	char	   *page;			/* NULL: none */
	char	   *owner;
	char	   *definition;		/* changes with what its alerts are: query, comparison, threshold, labels, place */
} HaRule;

/* A row of the query that is an alert. */
typedef struct HaFinding
{
	uint32		label_count;	/* sorted by name, without the label node */
	HaLabelText label[HA_NOTICE_LABELS_MAX];
	char	   *value;			/* NULL: none */
} HaFinding;

/* What came of an evaluation. */
typedef struct HaOutcome
{
	bool		known;
	char	   *why;			/* one sentence: why it is not known, or what is left out; NULL: nothing to say */
	int32		took_ms;
	uint32		count;
	HaFinding  *finding;
} HaOutcome;

extern const char *ha_rule_severity_name(HaSeverity severity);

/*
 * The enabled rules, or that of one name whether enabled or not: a list of HaRule in the current memory context. In a
 * transaction.
 */
extern List *ha_rule_load(const char *name);

/*
 * Evaluates it, in a transaction; `plan` is kept for the next time (NULL: none yet; freed by SPI_freeplan() when the
 * query changes). The outcome lies in the current memory context. An interrupt that ends the process is raised.
 */
extern void ha_rule_evaluate(const HaRule *rule, SPIPlanPtr *plan, HaOutcome *outcome);

/* Raises an error, with what is wrong, unless the query can be a rule's. As the present role; runs nothing of it. */
extern void ha_rule_check(const char *query, bool compares);

#endif
