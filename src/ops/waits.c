/*
 * waits.c: see waits.h.
 */
#include "ops/waits.h"

#include <string.h>

/* Opens every circle at the member where it was met: above = -1 there, root = -1 tells of it. */
static void
open_circles(HaWaitNode *node, int32_t count)
{
	for (int32_t i = 0; i < count; i++)
	{
		int32_t at = i;

		while (at >= 0 && node[at].mark == 0)
		{
			node[at].mark = i + 1;
			at = node[at].above;
		}
		if (at >= 0 && node[at].mark == i + 1)
		{
			node[at].above = -1;
			node[at].root = -1;
		}
	}
}

void
ha_waits_resolve(HaWaitNode *node, int32_t count)
{
	for (int32_t i = 0; i < count; i++)
	{
		HaWaitNode *one = &node[i];

		one->above = one->blocker >= 0 && one->blocker < count ? one->blocker : -1;
		one->root = i;
		one->depth = 0;
		one->held_up = 0;
		one->first_below = one->next_beside = -1;
		one->mark = 0;
	}
	open_circles(node, count);
	for (int32_t i = count - 1; i >= 0; i--)
	{
		int32_t above = node[i].above;

		if (above >= 0)
		{
			node[i].next_beside = node[above].first_below;
			node[above].first_below = i;
		}
	}

	/* From above to below; and back, leaves first, by the same order reversed through `mark`. */
	int32_t last = -1;

	for (int32_t at = ha_waits_next(node, count, -1); at >= 0; at = ha_waits_next(node, count, at))
	{
		if (node[at].above >= 0)
		{
			node[at].root = node[node[at].above].root;
			node[at].depth = node[node[at].above].depth + 1;
		}
		node[at].mark = last;
		last = at;
	}
	for (int32_t at = last; at >= 0; at = node[at].mark)
	{
		if (node[at].above >= 0)
			node[node[at].above].held_up += node[at].held_up + 1;
	}
}

static int32_t
next_top(const HaWaitNode *node, int32_t count, int32_t from)
{
	for (int32_t i = from; i < count; i++)
	{
		if (node[i].above < 0)
			return i;
	}
	return -1;
}

int32_t
ha_waits_next(const HaWaitNode *node, int32_t count, int32_t from)
{
	if (from < 0)
		return next_top(node, count, 0);
	if (node[from].first_below >= 0)
		return node[from].first_below;
	while (node[from].above >= 0)
	{
		if (node[from].next_beside >= 0)
			return node[from].next_beside;
		from = node[from].above;
	}
	return next_top(node, count, from + 1);
}

void
ha_waits_draw(const HaWaitNode *node, int32_t at, bool ascii, char *text, size_t size)
{
	static const char *const sign[2][4] = {{"└ ", "├ ", "  ", "│ "}, {"`- ", "|- ", "   ", "|  "}};
	size_t used = size - 1;
	bool first = true;

	text[used] = '\0';
	for (; node[at].above >= 0; at = node[at].above)
	{
		const char *add = sign[ascii][(first ? 0 : 2) + (node[at].next_beside >= 0 ? 1 : 0)];
		size_t length = strlen(add);

		if (length > used)
			break;
		used -= length;
		memcpy(text + used, add, length);
		first = false;
	}
	memmove(text, text + used, size - used);
}
