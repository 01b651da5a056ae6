/*
 * explain_text.c: from the text that pg_stat_statements keeps to a statement that can be analyzed.
 *
 * Where a constant stood there is a parameter now, and the grammar allows none in four places: after the name of a
 * type (date $1, interval $1 day, time with time zone $1), and as the field of extract($1 FROM x). Tokens are those of
 * the server's own scanner; what lies between them, comments too, stays as it is.
 */
#include "server/compat.h"

#include "api/explain_parts.h"

#include "parser/parser.h"
#include "parser/scanner.h"
#include "parser/scansup.h"

typedef struct Token
{
	int			start;
	int			end;
} Token;

typedef struct Tokens
{
	const char *text;
	Token	   *token;
	int			count;
} Tokens;

static Tokens
scan(const char *text)
{
	Tokens		tokens = {.text = text};
	int			room = 64;
	core_yy_extra_type extra;
	core_YYSTYPE value;
	YYLTYPE		location = 0;
	core_yyscan_t scanner = scanner_init(text, &extra, &ScanKeywords, ScanKeywordTokens);

	extra.escape_string_warning = false;
	tokens.token = palloc(sizeof(Token) * room);
	while (core_yylex(&value, &location, scanner) != 0)
	{
		if (tokens.count == room)
			tokens.token = repalloc(tokens.token, sizeof(Token) * (room *= 2));
		tokens.token[tokens.count].start = location;
		tokens.token[tokens.count++].end = location + (int) strlen(extra.scanbuf + location);
	}
	scanner_finish(scanner);
	return tokens;
}

/* ---- What a token is; one that lies outside of the text is nothing ---- */

static char
first_of(const Tokens *tokens, int i)
{
	return i < 0 || i >= tokens->count ? '\0' : tokens->text[tokens->token[i].start];
}

static bool
is(const Tokens *tokens, int i, const char *word)
{
	int			length = (int) strlen(word);

	return i >= 0 && i < tokens->count && tokens->token[i].end - tokens->token[i].start == length &&
		pg_strncasecmp(tokens->text + tokens->token[i].start, word, length) == 0;
}

static bool
is_one_of(const Tokens *tokens, int i, const char *const *words)
{
	while (*words != NULL && !is(tokens, i, *words))
		words++;
	return *words != NULL;
}

static bool
is_parameter(const Tokens *tokens, int i)
{
	return first_of(tokens, i) == '$' && isdigit((unsigned char) tokens->text[tokens->token[i].start + 1]);
}

/* A name, quoted or not; not a keyword. */
static bool
is_name(const Tokens *tokens, int i)
{
	char		first = first_of(tokens, i);
	char	   *word;

	if (first == '"')
		return true;
	if (first == '\0' || !(isalpha((unsigned char) first) || first == '_' || IS_HIGHBIT_SET(first)))
		return false;
	word = downcase_identifier(tokens->text + tokens->token[i].start, tokens->token[i].end - tokens->token[i].start,
							   false, false);
	return ScanKeywordLookup(word, &ScanKeywords) < 0;
}

/* ---- The name of a type before a constant ---- */

/* The one before the parenthesis that the token closes; i itself when it closes none. */
static int
before_arguments(const Tokens *tokens, int i)
{
	int			open = i;

	if (!is(tokens, i, ")"))
		return i;
	while (open >= 0 && !is(tokens, open, "("))
		open--;
	return open - 1;
}

/* Where the name begins that ends before the i-th token; -1 when none does. */
static int
type_start(const Tokens *tokens, int i)
{
	static const char *const keywords[] = {"interval", "timestamp", "time", "int", "integer", "smallint", "bigint",
		"real", "float", "numeric", "decimal", "dec", "boolean", "bit", "character", "char", "varchar", "nchar", "text",
		"name", "xml", "json", "path", NULL};
	static const char *const varying[] = {"character", "char", "nchar", "bit", NULL};
	static const char *const clocks[] = {"timestamp", "time", NULL};
	int			last = before_arguments(tokens, i - 1);

	if (is(tokens, last, "zone") && is(tokens, last - 1, "time") &&
		(is(tokens, last - 2, "with") || is(tokens, last - 2, "without")))
	{
		int			clock = before_arguments(tokens, last - 3);

		return is_one_of(tokens, clock, clocks) ? clock : -1;
	}
	if (is(tokens, last, "precision"))
		return is(tokens, last - 1, "double") ? last - 1 : -1;
	if (is(tokens, last, "varying") && is_one_of(tokens, last - 1, varying))
		return is(tokens, last - 2, "national") ? last - 2 : last - 1;
	if (is_one_of(tokens, last, keywords))
		return is(tokens, last - 1, "national") ? last - 1 : last;
	if (!is_name(tokens, last))
		return -1;
	while (is(tokens, last - 1, ".") && first_of(tokens, last - 2) != '\0')
		last -= 2;
	return last;
}

char *
ha_explain_text(const char *normalized)
{
	Tokens		tokens = scan(normalized);
	StringInfoData out;
	int			done = 0;

	initStringInfo(&out);
	for (int i = 1; i < tokens.count; i++)
	{
		const Token *here = &tokens.token[i];
		int			type = is_parameter(&tokens, i) ? type_start(&tokens, i) : -1;

		if (type >= 0)
		{
			const Token *first = &tokens.token[type];

			appendBinaryStringInfo(&out, normalized + done, first->start - done);
			appendBinaryStringInfo(&out, normalized + here->start, here->end - here->start);
			appendStringInfo(&out, "::%.*s", tokens.token[i - 1].end - first->start, normalized + first->start);
			done = here->end;
		}
		else if (is(&tokens, i - 1, "(") && is(&tokens, i - 2, "extract") && is_parameter(&tokens, i) &&
				 is(&tokens, i + 1, "from"))
		{
			appendBinaryStringInfo(&out, normalized + done, tokens.token[i - 2].start - done);
			appendStringInfo(&out, "pg_catalog.\"extract\"(%.*s,", here->end - here->start, normalized + here->start);
			done = tokens.token[i + 1].end;
		}
	}
	appendStringInfoString(&out, normalized + done);
	return out.data;
}

RawStmt *
ha_explain_parse(const char *text)
{
	List	   *statements = raw_parser(text, RAW_PARSE_DEFAULT);
	RawStmt    *statement;

	if (list_length(statements) != 1)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("its text holds %d statements", list_length(statements)));
	statement = linitial_node(RawStmt, statements);
	switch (nodeTag(statement->stmt))
	{
		case T_SelectStmt:
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
			return statement;
		default:
			ereport(ERROR,
					errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("it is a command, which has no plan"));
	}
	return NULL;				/* not reached */
}
