/*
 * explain_parts.h: what the parts of haops.explain() have of one another.
 *
 * A statement's text was written by one role, names objects of others, and is planned on the wish of a third one. None
 * of them gains anything by it: the text is planned with the rights of the role that ran it, in a subtransaction that
 * is read-only and always rolled back, and while it lasts nothing but built-in code runs (explain_guard.c).
 */
#ifndef HA_API_EXPLAIN_PARTS_H
#define HA_API_EXPLAIN_PARTS_H

#include "server/compat.h"

#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"

/* How long one statement may be planned, and how long of it may be spent on the wait for a lock (ST14). */
#define HA_EXPLAIN_LIMIT_MS 5000
#define HA_EXPLAIN_LOCK_MS 1000

/* One that pg_stat_statements knows, of one role in one database. */
typedef struct HaStatement
{
	Oid			userid;
	Oid			dbid;
	char	   *user;			/* NULL: dropped */
	char	   *database;		/* NULL: dropped */
	char	   *search_path;	/* which the role has in this database */
	char	   *text;			/* NULL: not to be had */
} HaStatement;

/* The plans of a statement, while its transaction lasts; more than one where rules made more of it. */
typedef struct HaPlans
{
	const HaStatement *statement;
	const char *text;			/* that was planned */
	Query	   *query;			/* as it was analyzed */
	List	   *plans;			/* of PlannedStmt */
	int			stands;			/* calls of functions that parameters stand for */
	MemoryContext result;		/* where what outlives the plans is to lie */
} HaPlans;

/* ---- explain.c ---- */

/* All that ran the statement, of this database first. An error when there is none. Needs no SPI connection. */
extern HaStatement *ha_explain_read(int64 queryid, int *count);

/* As ha_explain_plan(), but refuses what may not be planned at all. */
extern char *ha_explain_statement(const HaStatement *statement, void (*use) (HaPlans *plans, void *arg), void *arg,
								  char **note);

/* The role's name, or its number when it was dropped. */
extern char *ha_explain_user(const HaStatement *statement);

/* The plans right below, in a list of their own. */
extern List *ha_explain_children(Plan *plan);

/* ---- explain_plan.c ---- */

/*
 * Plans the statement and has its plans used. Returns NULL, or why not, in words, then *note is what had to be assumed
 * ('' = nothing). Both lie in the current context. Raises nothing but the end of the whole statement.
 */
extern char *ha_explain_plan(const HaStatement *statement, void (*use) (HaPlans *plans, void *arg), void *arg,
							 char **note);

/* ---- explain_text.c ---- */

/* A text as pg_stat_statements leaves it: "date $1" becomes "$1::date", and so on, so that it can be parsed again. */
extern char *ha_explain_text(const char *normalized);

/* The statement of a text, if it is one that has a plan, else an error. */
extern RawStmt *ha_explain_parse(const char *text);

/* ---- explain_guard.c ---- */

/* Opens and shuts; between them, code that is not built-in raises an error instead of running. */
extern void ha_explain_guard_begin(void);
extern void ha_explain_guard_end(void);

/* The next start of the executor is that of a plan that is to be printed. */
extern void ha_explain_guard_allow_start(void);

/* True for a function that would not run under the guard, whatever it is declared to be. */
extern bool ha_explain_guard_is_foreign(Oid function);

/* ---- explain_findings.c, explain_index.c, explain_hypo.c ---- */

/* One thing that is wrong with a plan; all texts in HaPlans.result. */
typedef struct HaFinding
{
	const char *finding;
	const char *severity;
	char	   *node;
	char	   *object;
	char	   *figure;
	char	   *advice;
	char	   *statement;		/* NULL: none that helps for certain */
	char	   *hypothetical;	/* the index of the statement, as HypoPG wants it; else NULL */
	int			more;			/* others of the same kind, on other partitions for example */
} HaFinding;

/*
 * An index by which the filter of a sequential scan would find its rows, as far as own arithmetic tells; NULL when
 * there is none, or when it is there already and was not wanted.
 */
extern HaFinding *ha_explain_index(Scan *scan, Oid relation, double rows);

/* Adds to the figure of the finding what HypoPG says of the index, where that is installed in this database. */
extern void ha_explain_hypo(const HaStatement *statement, HaFinding *finding);

/* As ha_explain_plan(); before() comes while the session is the role's already, and code runs still. */
extern char *ha_explain_plan_after(const HaStatement *statement, void (*before) (void *arg),
								   void (*use) (HaPlans *plans, void *arg), void *arg, char **note);

/* The one command that is let through, EXPLAIN, by the hooks of others. */
extern void ha_explain_guard_pass_command(PlannedStmt *command, const char *text);

/* schema.name, quoted where it has to be. */
extern char *ha_explain_name(Oid relation);

#endif
