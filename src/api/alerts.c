/*
 * alerts.c: what SQL sees of channels and rules, and what it may try: a rule without telling anybody, and a channel.
 *
 * libcurl is never called here: a test is a post for the sender, whose answer is waited for.
 */
#include "server/compat.h"

#include "access/htup_details.h"
#include "api/row.h"
#include "funcapi.h"
#include "io/clock.h"
#include "ops/template.h"
#include "server/alert_book.h"
#include "server/posts.h"
#include "server/shmem.h"
#include "storage/ipc.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(ha_api_alert_rule_check);
PG_FUNCTION_INFO_V1(ha_api_alert_template_check);
PG_FUNCTION_INFO_V1(ha_api_alert_channels);
PG_FUNCTION_INFO_V1(ha_api_alert_observed);
PG_FUNCTION_INFO_V1(ha_api_test_alert);
PG_FUNCTION_INFO_V1(ha_api_preview_alert);

#define TEST_LIMIT_MS 20000
#define TEST_POLL_MS 200

/* ---- Rules ---- */

Datum
ha_api_alert_rule_check(PG_FUNCTION_ARGS)
{
	ha_rule_check(text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_BOOL(1));
	PG_RETURN_VOID();
}

Datum
ha_api_alert_template_check(PG_FUNCTION_ARGS)
{
	const char *wrong = ha_template_check(text_to_cstring(PG_GETARG_TEXT_PP(0)));

	if (wrong != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the text of a rule is not well: %s", wrong),
				 errhint("{name} is replaced by a label, {value} by the value; {{ and }} are braces.")));
	PG_RETURN_VOID();
}

static char *
expanded(const HaRule *rule, const HaFinding *finding, const char *pattern, size_t size)
{
	char	   *bytes = palloc(size);
	HaText		text = ha_text(bytes, size);
	HaLabelText label[HA_NOTICE_LABELS_MAX + 1];

	memcpy(label, finding->label, sizeof(HaLabelText) * finding->label_count);
	label[finding->label_count] = (HaLabelText) {"rule", rule->name};
	ha_template_expand(&text, pattern, label, finding->label_count + 1, finding->value != NULL ? finding->value : "");
	return bytes;
}

static void
put_finding(FunctionCallInfo fcinfo, const HaRule *rule, const HaFinding *finding, const char *note)
{
	HaRow		row = {0};
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	for (uint32 i = 0; i < finding->label_count; i++)
		ha_book_json(&json, finding->label[i].name, finding->label[i].value);
	appendStringInfoChar(&json, '}');
	ha_row_add_bool(&row, true);
	ha_row_add(&row, DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
	ha_row_add_text(&row, finding->value);
	ha_row_add_text(&row, expanded(rule, finding, rule->summary, sizeof(((HaNotice *) NULL)->summary)));
	ha_row_add_text(&row, expanded(rule, finding, rule->description, sizeof(((HaNotice *) NULL)->description)));
	ha_row_add_text(&row, note);
	ha_row_put(fcinfo, &row);
}

static void
put_nothing(FunctionCallInfo fcinfo, const char *note)
{
	HaRow		row = {0};

	ha_row_add_bool(&row, false);
	for (int i = 0; i < 4; i++)
		ha_row_add_null(&row);
	ha_row_add_text(&row, note);
	ha_row_put(fcinfo, &row);
}

Datum
ha_api_preview_alert(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	List	   *rules;
	SPIPlanPtr	plan = NULL;
	HaOutcome	outcome;
	const HaRule *rule;

	InitMaterializedSRF(fcinfo, 0);
	rules = ha_rule_load(name);
	if (rules == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("there is no rule \"%s\"", name),
				 errhint("The rules stand in haops.alert_rule.")));
	rule = linitial(rules);
	ha_rule_evaluate(rule, &plan, &outcome);
	if (plan != NULL)
		SPI_freeplan(plan);
	for (uint32 i = 0; i < outcome.count; i++)
		put_finding(fcinfo, rule, &outcome.finding[i], outcome.why);
	if (outcome.count == 0)
		put_nothing(fcinfo, outcome.known ? "it finds nothing" :
					psprintf("it could not be evaluated: %s", outcome.why));
	return (Datum) 0;
}

/* ---- Channels ---- */

static void
add_wall_time(HaRow *row, int64 wall_us)
{
	if (wall_us == 0)
		ha_row_add_null(row);
	else
		ha_row_add(row, TimestampTzGetDatum(wall_us - (int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) *
											USECS_PER_DAY));
}

static void
put_channel(FunctionCallInfo fcinfo, const HaChannelView *channel)
{
	HaRow		row = {0};
	HaUs		left_us = channel->not_before_us - ha_clock_now().boot_us;

	ha_row_add_text(&row, channel->name);
	ha_row_add_text(&row, channel->usable ? ha_channel_type_name(channel->type) : NULL);
	ha_row_add_text(&row, channel->usable ? ha_rule_severity_name(channel->severity) : NULL);
	ha_row_add_bool(&row, channel->events);
	ha_row_add_bool(&row, channel->resolved);
	ha_row_add_text(&row, channel->fallback);
	ha_row_add_text(&row, channel->usable ? ha_lane_state_name(channel->state) : "unusable");
	ha_row_add(&row, Int32GetDatum((int32) channel->failures));
	add_wall_time(&row, left_us > 0 ? ha_clock_wall_us() + left_us : 0);
	add_wall_time(&row, channel->tried_us);
	ha_row_add_text(&row, channel->answer);
	ha_row_put(fcinfo, &row);
}

Datum
ha_api_alert_channels(PG_FUNCTION_ARGS)
{
	HaChannelViews *views = palloc0(sizeof(HaChannelViews));

	InitMaterializedSRF(fcinfo, 0);
	if (ha_shmem == NULL || !ha_box_read(&ha_shmem->channels_box, ha_shmem->channels, views, sizeof(*views)))
		return (Datum) 0;
	for (uint32 i = 0; i < views->count; i++)
		put_channel(fcinfo, &views->channel[i]);
	return (Datum) 0;
}

/* Puts the age of each observation in the place of when it was made. */
Datum
ha_api_alert_observed(PG_FUNCTION_ARGS)
{
	static const char at[] = "\"at_us\":";
	HaObserved *observed = palloc0(sizeof(HaObserved));
	HaUs		now_us = ha_clock_now().boot_us;
	StringInfoData json;
	const char *from = observed->json;
	const char *found;

	if (ha_shmem == NULL || !ha_box_read(&ha_shmem->observed_box, ha_shmem->observed, observed, sizeof(*observed)))
		PG_RETURN_TEXT_P(cstring_to_text("[]"));
	initStringInfo(&json);
	while ((found = strstr(from, at)) != NULL)
	{
		char	   *end;
		int64		at_us = strtoll(found + strlen(at), &end, 10);

		appendBinaryStringInfo(&json, from, (int) (found - from));
		appendStringInfo(&json, "\"age_s\":%.1f", Max((double) (now_us - at_us), 0) / 1e6);
		from = end;
	}
	appendStringInfoString(&json, from);
	PG_RETURN_TEXT_P(cstring_to_text(json.data));
}

/* ---- A test ---- */

/* Gives the place back, whatever happens; the sender may still be at it. */
static void
end_trial(int code, Datum arg)
{
	pg_atomic_write_u32(&ha_shmem->trial_asker, 0);
	pg_atomic_write_u32(&ha_shmem->trial.state, HA_POST_FREE);
}

static void
begin_trial(const char *channel)
{
	uint32		expected = HA_POST_FREE;

	if (!pg_atomic_compare_exchange_u32(&ha_shmem->trial.state, &expected, HA_POST_FILLING))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_IN_USE), errmsg("another channel is being tried"),
						errhint("Try again in a few seconds.")));
	pg_atomic_write_u32(&ha_shmem->trial_asker, (uint32) ha_my_proc_number() + 1);
	strlcpy(ha_shmem->trial.channel, channel, sizeof(ha_shmem->trial.channel));
	ha_shmem->trial.number = GetCurrentTimestamp();
	ha_shmem->trial.length = 0;
	ha_shmem->trial.answer[0] = '\0';
	pg_write_barrier();
	pg_atomic_write_u32(&ha_shmem->trial.state, HA_POST_READY);
	ha_shmem_wake(&ha_shmem->sender_proc);
}

/* True when the answer has come. */
static bool
wait_for_trial(void)
{
	HaUs		limit_us = ha_clock_now().boot_us + (HaUs) TEST_LIMIT_MS * HA_US_PER_MS;

	while (pg_atomic_read_u32(&ha_shmem->trial.state) != HA_POST_DONE)
	{
		if (ha_clock_now().boot_us > limit_us)
			return false;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, TEST_POLL_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	pg_read_barrier();
	return true;
}

Datum
ha_api_test_alert(PG_FUNCTION_ARGS)
{
	char	   *channel = text_to_cstring(PG_GETARG_TEXT_PP(0));
	HaUs		began_us = ha_clock_now().boot_us;
	TupleDesc	form;
	Datum		value[3];
	bool		null[3] = {false, false, false};
	bool		answered = false;

	ha_shmem_require();
	if (get_call_result_type(fcinfo, NULL, &form) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "the function returns no row");
	if (strlen(channel) >= HA_CHANNEL_NAME_SIZE)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("there is no channel of that name")));
	begin_trial(channel);
	PG_ENSURE_ERROR_CLEANUP(end_trial, (Datum) 0);
	{
		answered = wait_for_trial();
		value[0] = BoolGetDatum(answered && ha_shmem->trial.verdict == HA_VERDICT_DELIVERED);
		value[1] = CStringGetTextDatum(answered ? pnstrdup(ha_shmem->trial.answer, HA_POST_ANSWER_SIZE) :
									   "the sender did not answer in time");
	}
	PG_END_ENSURE_ERROR_CLEANUP(end_trial, (Datum) 0);
	end_trial(0, (Datum) 0);
	value[2] = DirectFunctionCall7(make_interval, Int32GetDatum(0), Int32GetDatum(0), Int32GetDatum(0),
								   Int32GetDatum(0), Int32GetDatum(0), Int32GetDatum(0),
								   Float8GetDatum((double) (ha_clock_now().boot_us - began_us) / 1e6));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(form), value, null)));
}
