/*
 * words.h: a column of type text[] of a row that SPI returned.
 */
#ifndef HA_SERVER_WORDS_H
#define HA_SERVER_WORDS_H

#include "server/compat.h"

#include "access/htup.h"
#include "access/tupdesc.h"
#include "ops/episode.h"

typedef struct HaWords
{
	int			count;
	char	  **word;			/* no NULL among them: such an element is an empty text */
} HaWords;

/* None when the column is null. All is palloc'd in the current memory context. */
extern HaWords ha_words_of(HeapTuple tuple, TupleDesc form, int column);

/* Names and values of two such columns as labels: at most `most` of them. Returns how many. */
extern uint32 ha_words_labels(HeapTuple tuple, TupleDesc form, int names, int values, HaLabelText *labels, uint32 most);

#endif
